//! What every method of the protocol needs.

use app::data::{AdmittedSource, DataService};

use super::agent::Agent;

/// Answers messages of an agent.
pub(super) struct Service<'a> {
    pub(super) data: &'a DataService,
    pub(super) agent: &'a Agent,
    /// The data source, if the address names one.
    pub(super) source: Option<&'a AdmittedSource>,
}

impl<'a> Service<'a> {
    /// The name of that data source.
    pub(super) fn source_name(&self) -> Option<&'a str> {
        self.source.map(AdmittedSource::name)
    }
}

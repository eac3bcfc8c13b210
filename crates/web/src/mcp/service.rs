//! What every method of the protocol needs.

use app::data::DataService;

use super::agent::Agent;

/// Answers messages of an agent.
pub(super) struct Service<'a> {
    pub(super) data: &'a DataService,
    pub(super) agent: &'a Agent,
    /// The data source, if the address names one.
    pub(super) source: Option<&'a str>,
}

//! The options of a data source: checked, tried out, and ready to be stored.
//!
//! A stored secret is never shown, so a change that omits it keeps it. It is not kept if the change leads to another
//! host or port: whoever may change a data source could send the secret there without knowing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::account::{DataSource, SealedOption, StoredOptions};
use domain::id::DataSourceId;
use sources::options::{DataStore, OptionFault, OptionSchema, OptionValues, Secret};
use sources::{SourceKind, SourceSpec, with_url_taken_apart};
use vault::Vault;

use super::{DataSourceError, DataSourceService};
use crate::data::models::{SourceOpener, off_request_threads};
use crate::data::spec::SourceSpecs;
use crate::identity::acting::Actor;
use crate::management::administration::FieldFault;

/// Options with which the database can be read.
pub(super) struct UsableOptions {
    /// The options that may be shown, in the form to store.
    pub(super) plain: BTreeMap<String, String>,
    /// The secrets that were given.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// The stored secrets that are kept.
    kept: BTreeMap<String, SealedOption>,
}

impl UsableOptions {
    /// Whether the decision about them rests on what is stored.
    pub(super) fn keep_some_of(&self, record: &DataSource) -> bool {
        self.are_those_of(record) || !self.kept.is_empty()
    }

    fn are_those_of(&self, record: &DataSource) -> bool {
        self.secrets.is_empty() && self.plain == record.options && self.kept == record.sealed_options
    }

    /// The options of that data source, with sealed secrets.
    pub(super) fn stored(self, vault: &Vault, id: DataSourceId) -> StoredOptions {
        let mut all = self.kept;
        all.extend(sealed(vault, id, &self.secrets));
        StoredOptions { plain: self.plain, sealed: all }
    }
}

/// Seals secrets for a data source.
pub(super) fn sealed(
    vault: &Vault,
    id: DataSourceId,
    secrets: &BTreeMap<String, Secret>,
) -> BTreeMap<String, SealedOption> {
    let seal =
        |(key, secret): (&String, &Secret)| (key.clone(), vault.seal_source_option(id, key, secret.expose()));
    secrets.iter().map(seal).collect()
}

impl DataSourceService {
    /// Opens a database with the options, and returns them in the form to store. Stored secrets that are omitted
    /// are kept.
    pub(super) async fn usable_options(
        &self,
        actor: &Actor,
        kind: &Arc<dyn SourceKind>,
        given: BTreeMap<String, String>,
        current: Option<&DataSource>,
    ) -> Result<UsableOptions, DataSourceError> {
        let store = kind.store();
        let given = with_url_taken_apart(store, given).map_err(wrong)?;
        let leads_elsewhere = current.is_some_and(|record| leads_elsewhere(store, &given, &record.options));
        let is_kept = |key: &str| !leads_elsewhere && !given.contains_key(key);
        let kept: BTreeMap<String, SealedOption> = current
            .iter()
            .flat_map(|record| &record.sealed_options)
            .filter(|(key, _)| is_kept(key) && store.option(key).is_some_and(|option| option.secret))
            .map(|(key, sealed)| (key.clone(), sealed.clone()))
            .collect();
        let is_stored = |key: &str| current.is_some_and(|record| record.sealed_options.contains_key(key));
        let mut faults = store.faults(&given, |key| kept.contains_key(key));
        if leads_elsewhere {
            faults.extend(left_out(store, &given, &is_stored));
        }
        if !faults.is_empty() {
            let named = faults.into_iter().map(|fault| named(fault, &is_stored));
            return Err(DataSourceError::Options(named.collect()));
        }
        let OptionValues { plain, secrets } = OptionValues::of(store, given);
        let mut options = UsableOptions { plain, secrets, kept };
        if current.is_some_and(|record| options.are_those_of(record)) {
            return Ok(options);
        }
        let mut secrets = options.secrets.clone();
        if let Some(record) = current {
            let opened = SourceSpecs::of(&self.context).opened_secrets(record.id, &options.kept);
            secrets.extend(opened.map_err(DataSourceError::Unusable)?);
        }
        let values = OptionValues { plain: options.plain, secrets };
        let spec = self.allowed_spec(actor, SourceSpec::new(Arc::clone(kind), values)).await?;
        options.plain = spec.options().clone();
        let refused = SourceOpener::of(&self.context).try_out(spec).await?;
        if refused.is_empty() {
            return Ok(options);
        }
        let named = refused.into_iter().map(|(option, finding)| {
            FieldFault::new(format!("options.{option}"), format!("{}: {}", finding.subject, finding.message))
        });
        Err(DataSourceError::Options(named.collect()))
    }

    /// How to open a database with the options of a new data source.
    pub(super) async fn new_spec(
        &self,
        actor: &Actor,
        kind: &Arc<dyn SourceKind>,
        given: BTreeMap<String, String>,
    ) -> Result<SourceSpec, DataSourceError> {
        let store = kind.store();
        let given = with_url_taken_apart(store, given).map_err(wrong)?;
        let faults = store.faults(&given, |_| false);
        if !faults.is_empty() {
            return Err(wrong(faults));
        }
        self.allowed_spec(actor, SourceSpec::new(Arc::clone(kind), OptionValues::of(store, given))).await
    }

    /// The source, if the caller may name what its options name. A path is stored with symbolic links resolved,
    /// so that exactly the accepted file is opened later.
    async fn allowed_spec(&self, actor: &Actor, given: SourceSpec) -> Result<SourceSpec, DataSourceError> {
        let is_administrator = actor.caller().account().is_administrator();
        let locations = if is_administrator {
            SourceSpecs::of(&self.context).every_location()
        } else {
            SourceSpecs::of(&self.context).allowed_locations()
        };
        let checked = off_request_threads(given.placement(), async move { given.allowed(&locations) });
        checked.await?.map_err(DataSourceError::Unusable)
    }
}

/// Whether the server would connect to another machine or port.
fn leads_elsewhere(
    store: &DataStore,
    given: &BTreeMap<String, String>,
    stored: &BTreeMap<String, String>,
) -> bool {
    let effective = |options: &BTreeMap<String, String>, option: &OptionSchema| {
        options.get(option.name).cloned().or_else(|| option.default.map(str::to_owned))
    };
    let mut addresses = store.options.iter().filter(|option| option.is_address());
    addresses.any(|option| effective(given, option) != effective(stored, option))
}

/// The optional secrets that are stored and were left out. They must be given again, or removed by an empty text, so
/// that a source does not lose its password unnoticed.
fn left_out(
    store: &DataStore,
    given: &BTreeMap<String, String>,
    is_stored: &impl Fn(&str) -> bool,
) -> Vec<OptionFault> {
    let secrets = store.options.iter().filter(|option| option.secret && !option.required);
    let left_out = secrets.filter(|option| !given.contains_key(option.name) && is_stored(option.name));
    let fault = |option: &OptionSchema| OptionFault {
        key: option.name.to_owned(),
        message: "must be given again, because the host or the port changes; an empty text removes it"
            .to_owned(),
    };
    left_out.map(fault).collect()
}

/// Faults of options of which nothing is stored.
fn wrong(faults: Vec<OptionFault>) -> DataSourceError {
    DataSourceError::Options(faults.into_iter().map(|fault| named(fault, &|_: &str| false)).collect())
}

/// The fault with the path of its member. A stored secret is only required again if it would be sent elsewhere.
fn named(fault: OptionFault, is_stored: &impl Fn(&str) -> bool) -> FieldFault {
    let message = if is_stored(&fault.key) && fault.message == "is required" {
        "is required, because the host or the port changes".to_owned()
    } else {
        fault.message
    };
    FieldFault::new(format!("options.{}", fault.key), message)
}

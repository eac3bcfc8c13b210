//! Opened data sources with their compiled models, ready to be read.
//!
//! The first request that needs a source opens it and compiles its model, off the request threads and once
//! for all concurrent requests. Opened sources are served from memory. At most once a second the database is
//! asked whether its structure has changed; if so, a new model is compiled beside the old one and swapped in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::account::{DataSource, StoredOptions};
use domain::id::DataSourceId;
use domain::time::Timestamp;
use odata::model::{Finding, Model};
use odata::rules::AccessRules;
use sources::driver::{Placement, ready};
use sources::{Deadline, Source, SourceError, SourceSpec, Sources};

use crate::data::document::MetadataDocument;
use crate::data::spec::SourceSpecs;
use crate::{Context, Fault};

mod checks;
mod document;
mod examination;
pub(crate) mod parts;

use checks::{Checks, Due};
pub(crate) use examination::Examination;
use parts::PartCache;

/// An opened source and its model.
#[derive(Debug)]
pub struct OpenedSource {
    /// The database, shared by all requests.
    pub source: Arc<Source>,
    /// Compiled from the database's structure; its findings start with those of the driver.
    pub model: Arc<Model>,
    /// Written when it is first requested.
    pub(crate) metadata: Arc<MetadataDocument>,
    /// Set if the data had a form that the model rules out.
    pub(crate) is_outdated: Arc<AtomicBool>,
    /// Which part of the model this is: [`UNRESTRICTED`], or a number that no other part has.
    pub(crate) policy_version: u64,
    /// Whether the audit log has a record of each request for its data.
    pub(crate) records_requests: bool,
    /// The rules about who may do what with which rows.
    rules: Arc<AccessRules>,
    /// Parts of it for callers who do not reach everything.
    parts: Arc<PartCache>,
}

/// The policy version of readers who see all rows and columns of a data source.
pub(crate) const UNRESTRICTED: u64 = 0;

/// Why a data source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenRefusal {
    /// The database behind it cannot be used.
    #[error(transparent)]
    Unusable(#[from] SourceError),
    /// The server itself failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The models of this node, by source.
#[derive(Debug, Default)]
pub(crate) struct Models {
    slots: RwLock<HashMap<DataSourceId, Arc<Slot>>>,
    examinations: Arc<examination::Examinations>,
}

/// The slot of one source.
#[derive(Debug, Default)]
struct Slot {
    ready: RwLock<Option<Arc<Ready>>>,
    /// The holder opens and compiles; the others wait and use the result.
    opening: Arc<tokio::sync::Mutex<Option<SourceError>>>,
    /// The number of completed attempts.
    attempts: AtomicU64,
}

/// The opened source, and the state of the record and of the database to which it corresponds.
#[derive(Debug)]
struct Ready {
    opened: Arc<OpenedSource>,
    options: StoredOptions,
    model_version: i64,
    writable: bool,
    updated_at: Timestamp,
    checks: Checks,
    /// Whether a contradiction by rows leads to a new compilation; false if the last one gave the same model.
    recompiles_on_contradiction: bool,
}

impl Models {
    fn slot(&self, id: DataSourceId) -> Arc<Slot> {
        let known = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        known.unwrap_or_else(|| {
            self.slots.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone()
        })
    }

    /// The sources that are open or being opened.
    pub(crate) fn ids(&self) -> Vec<DataSourceId> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    fn forget(&self, id: DataSourceId) {
        self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Makes the next request check the structure of the database, without waiting for the interval.
    pub(crate) fn expect_changed_structure(&self, id: DataSourceId) {
        if let Some(ready) = self.slot(id).ready() {
            ready.checks.expect_change();
        }
    }

    /// Closes an opened source and drops its model; running reads are stopped.
    pub(crate) fn close(&self, id: DataSourceId, sources: &Sources) {
        self.forget(id);
        sources.close(id.get());
    }

    /// Whether the source has been closed since the slot was taken.
    fn has_forgotten(&self, id: DataSourceId) -> bool {
        !self.slots.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }
}

impl Slot {
    fn ready(&self) -> Option<Arc<Ready>> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, ready: Arc<Ready>) {
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Some(ready);
    }
}

impl Ready {
    /// Whether it was opened from this record or from a later state of it.
    fn fits(&self, record: &DataSource) -> bool {
        record.updated_at < self.updated_at
            || (record.updated_at == self.updated_at
                && self.options.plain == record.options
                && self.options.sealed == record.sealed_options
                && self.model_version == record.model_version
                && self.writable == record.writable
                && self.opened.model.namespace == namespace(&record.name))
    }

    /// Whether rows have contradicted the model since it was compiled.
    fn is_contradicted(&self) -> bool {
        self.recompiles_on_contradiction && self.opened.is_outdated.load(Ordering::Relaxed)
    }

    /// Whether the database still has the structure from which the model was compiled. One request a second
    /// asks; the others continue with the current model.
    async fn is_current(self: &Arc<Self>, now: Timestamp) -> bool {
        if self.is_contradicted() {
            return false;
        }
        match self.checks.due(now) {
            Due::Changed => false,
            Due::Nothing => true,
            Due::Now => self.checks.ask(&self.opened.source).await,
            Due::Beside => {
                let ready = Arc::clone(self);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "one at a time for each source, with a time limit"
                )]
                tokio::spawn(async move { ready.checks.ask_beside(&ready.opened.source).await });
                true
            }
        }
    }
}

/// Opens data sources.
#[derive(Clone, Copy)]
pub(crate) struct SourceOpener<'a> {
    context: &'a Arc<Context>,
}

component!(SourceOpener, Arc<Context>);

impl SourceOpener<'_> {
    /// Opens the source of this record, with its model. Fast if both are ready.
    ///
    /// # Errors
    /// [`OpenRefusal::Unusable`] if the database cannot be opened or described.
    pub(crate) async fn opened(self, record: &DataSource) -> Result<Arc<OpenedSource>, OpenRefusal> {
        let slot = self.context.models.slot(record.id);
        let attempts = slot.attempts.load(Ordering::Acquire);
        if let Some(ready) = slot.ready()
            && ready.fits(record)
            && ready.is_current(self.context.now()).await
        {
            return Ok(ready.opened.clone());
        }
        self.open_exclusively(record, slot, attempts).await
    }

    /// The source of this record as it was opened last, if it still fits the record. Its database may not answer any more.
    pub(crate) fn opened_before(self, record: &DataSource) -> Option<Arc<OpenedSource>> {
        let ready = self.context.models.slot(record.id).ready()?;
        ready.fits(record).then(|| Arc::clone(&ready.opened))
    }

    /// Opens the source and compiles its model again, even if both are ready.
    ///
    /// # Errors
    /// As for [`SourceOpener::opened`]; the previous model stays in use then.
    pub(crate) async fn reopen(self, record: &DataSource) -> Result<Arc<OpenedSource>, OpenRefusal> {
        let slot = self.context.models.slot(record.id);
        let mut failure = slot.opening.lock().await;
        let made = self.make_ready(record, &slot).await;
        *failure = None;
        made
    }

    /// Opens and describes a database that is not a data source yet, to find out whether it is usable. Returns
    /// the declarations of the owner that do not hold.
    pub(crate) async fn try_out(self, spec: SourceSpec) -> Result<Vec<(&'static str, Finding)>, OpenRefusal> {
        let sources = self.context.sources.clone();
        let deadline = self.schema_deadline();
        let tried = off_request_threads(spec.placement(), async move {
            let source = sources.try_out(&spec)?;
            let described = source.describe(deadline).await;
            source.close();
            Ok((described?, source))
        });
        let (described, source) = tried.await??;
        source.closed().await;
        Ok(described.refused)
    }

    /// `attempts` is the number of completed attempts when the request looked for an opened source.
    async fn open_exclusively(
        self,
        record: &DataSource,
        slot: Arc<Slot>,
        attempts: u64,
    ) -> Result<Arc<OpenedSource>, OpenRefusal> {
        let mut failure = Arc::clone(&slot.opening).lock_owned().await;
        if slot.attempts.load(Ordering::Acquire) != attempts {
            // Another request made the attempt while this one waited; its result applies to both.
            if let Some(error) = failure.clone() {
                return Err(error.into());
            }
            if let Some(ready) = slot.ready()
                && ready.fits(record)
            {
                return Ok(ready.opened.clone());
            }
        }
        // Opened to the end, even if the request that asked for it is gone: the next one needs it too, and would begin anew.
        let (context, record) = (Arc::clone(self.context), record.clone());
        #[expect(clippy::disallowed_methods, reason = "one at a time for each source, until the deadline")]
        let opening = tokio::spawn(async move {
            let made = SourceOpener::of(&context).make_ready(&record, &slot).await;
            *failure = match &made {
                Err(OpenRefusal::Unusable(error)) => Some(error.clone()),
                _ => None,
            };
            made
        });
        opening.await.map_err(|failed| Fault::Broken(Box::new(failed)))?
    }

    /// Opens, describes and compiles off the request threads, then swaps the result in. Only the holder of
    /// the lock calls this.
    async fn make_ready(self, record: &DataSource, slot: &Slot) -> Result<Arc<OpenedSource>, OpenRefusal> {
        let checked_at = self.context.now();
        let sources = self.context.sources.clone();
        let locations = SourceSpecs::of(self.context).every_location();
        let deadline = self.schema_deadline();
        let document = self.document_of(record).await?;
        let (spec, undeclared) = SourceSpecs::of(self.context).spec_of(record)?.shaped(&document);
        let (id, namespace, writable) = (record.id.get(), namespace(&record.name), record.writable);
        let placement = spec.placement();
        let described = off_request_threads(placement, async move {
            // Checked again: a link may have replaced the file since the source was created.
            spec.clone().allowed(&locations)?;
            let source = sources.open_or_get(id, &spec)?;
            // Read before the structure, so that a change in between is noticed at the next check.
            let begun = Deadline::after(Duration::ZERO);
            let version = source.version(deadline).await?;
            let checks = Checks::new(version, checked_at, begun.passed_for());
            let mut described = source.describe(deadline).await?;
            described.findings.extend(undeclared);
            Ok((source, checks, described))
        });
        let made = match described.await? {
            Ok((source, checks, described)) => {
                let compiled = off_request_threads(Placement::Thread, async move {
                    let opened = OpenedSource::compile(source, &namespace, described, &document, writable);
                    Ok((opened, checks))
                });
                compiled.await?
            }
            Err(error) => Err(error),
        };
        let made = made.map(|(opened, checks)| {
            let opened = Arc::new(opened);
            let plan_version = opened.model.plan_version;
            let gave_the_same_model = |before: Arc<Ready>| {
                before.is_contradicted() && before.opened.model.plan_version == plan_version
            };
            let recompiles_on_contradiction = !slot.ready().is_some_and(gave_the_same_model);
            slot.replace(Arc::new(Ready {
                opened: opened.clone(),
                options: record.stored_options(),
                model_version: record.model_version,
                writable: record.writable,
                updated_at: record.updated_at,
                checks,
                recompiles_on_contradiction,
            }));
            opened
        });
        slot.attempts.fetch_add(1, Ordering::AcqRel);
        if self.context.models.has_forgotten(record.id) {
            // The source was deleted while it was being opened.
            self.context.sources.close(id);
        }
        Ok(made.inspect_err(|error| {
            tracing::warn!(data_source = id, %error, detail = error.detail(), "a data source cannot be read");
        })?)
    }

    fn schema_deadline(self) -> Deadline {
        Deadline::after(Duration::from_secs(self.context.settings.odata_timeout_secs.into()))
    }
}

/// Does work that may block its thread on a thread of its own, and other work here.
///
/// # Errors
/// [`Fault::Broken`] if the work panics on its thread.
pub(crate) async fn off_request_threads<T: Send + 'static>(
    placement: Placement,
    work: impl Future<Output = Result<T, SourceError>> + Send + 'static,
) -> Result<Result<T, SourceError>, Fault> {
    match placement {
        Placement::Thread => {
            let done = tokio::task::spawn_blocking(move || ready(work)).await;
            done.map_err(|panic| Fault::Broken(Box::new(panic)))
        }
        Placement::Task => Ok(work.await),
    }
}

/// The namespaces that [CSDL
/// §5.1](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_Schema)
/// reserves, and that of our own terms.
const RESERVED_NAMESPACES: [&str; 5] = ["Edm", "odata", "System", "Transient", "Sluicegate"];

/// The namespace of a source with that name: the most similar OData identifier, because a name may contain
/// dashes and start with a digit.
pub(crate) fn namespace(name: &str) -> String {
    let mut namespace = name.replace('-', "_");
    let reserved = RESERVED_NAMESPACES.iter().any(|reserved| reserved.eq_ignore_ascii_case(&namespace));
    if reserved || namespace.starts_with(|first: char| first.is_ascii_digit()) {
        namespace.insert(0, '_');
    }
    namespace
}

#[cfg(test)]
mod tests {
    use super::namespace;

    #[test]
    fn every_source_name_gives_a_valid_namespace() {
        for (name, expected) in [
            ("harbour", "harbour"),
            ("har-bour", "har_bour"),
            ("2nd", "_2nd"),
            ("-", "_"),
            ("edm", "_edm"),
            ("OData", "_OData"),
            ("system", "_system"),
        ] {
            assert_eq!(namespace(name), expected);
        }
    }
}

//! Opened data sources with their compiled models, ready to be read.
//!
//! A source is opened and its model compiled by the first request that needs it, off the request threads, once however
//! many ask at the same time. What is ready is served from memory; once a second at most the database is asked whether
//! its structure has changed, and a changed one is compiled beside the old one and swapped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use oauth::account::DataSource;
use oauth::id::DataSourceId;
use oauth::time::Timestamp;
use odata::model::{Finding, Model};
use sources::{AllowedFolders, Deadline, SchemaVersion, Source, SourceError, SourceSpec};

use crate::odata::Document;
use crate::{App, Fault};

/// How long a model is taken to fit before the database is asked again.
const LOOK_AFTER_MICROS: i64 = 1_000_000;

/// An opened source and the model by which it is read.
#[derive(Debug)]
pub struct Opened {
    /// The database, shared by all requests.
    pub source: Arc<Source>,
    /// Compiled from the database's structure; its findings begin with those of the driver.
    pub model: Arc<Model>,
    /// Written when somebody first asks for it.
    pub(crate) metadata: OnceLock<Document>,
    /// Set when the data were met in a form that the model rules out.
    pub(crate) is_outdated: Arc<AtomicBool>,
}

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

/// The models of this node by their sources.
#[derive(Debug, Default)]
pub(crate) struct Models {
    slots: RwLock<HashMap<DataSourceId, Arc<Slot>>>,
}

/// The place of one source.
#[derive(Debug, Default)]
struct Slot {
    ready: RwLock<Option<Arc<Ready>>>,
    /// Whoever holds it opens and compiles; the others wait and take what comes of it.
    turn: tokio::sync::Mutex<Option<SourceError>>,
    /// How many attempts have ended.
    attempts: AtomicU64,
}

/// What is served, and for which state of the record and of the database it holds.
#[derive(Debug)]
struct Ready {
    opened: Arc<Opened>,
    spec: SourceSpec,
    updated_at: Timestamp,
    version: SchemaVersion,
    looked_at: AtomicI64,
}

impl Models {
    fn slot(&self, id: DataSourceId) -> Arc<Slot> {
        let known = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        known.unwrap_or_else(|| {
            self.slots.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone()
        })
    }

    /// The sources that are open or about to be.
    pub(crate) fn ids(&self) -> Vec<DataSourceId> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    fn forget(&self, id: DataSourceId) {
        self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Whether the source has been forgotten since the slot was taken.
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
    /// Whether it was made from this record or from a later state of it.
    fn fits(&self, record: &DataSource, spec: &SourceSpec) -> bool {
        record.updated_at < self.updated_at
            || (record.updated_at == self.updated_at
                && self.spec == *spec
                && self.opened.model.namespace == namespace(&record.name))
    }

    /// Whether the database has the structure from which the model was compiled. Asked by one request a second, while
    /// the others go on with what there is.
    fn is_current(&self, now: Timestamp) -> bool {
        if self.opened.is_outdated.load(Ordering::Relaxed) {
            return false;
        }
        let looked_at = self.looked_at.load(Ordering::Acquire);
        let elapsed = now.as_micros().saturating_sub(looked_at);
        let is_due = !(0..LOOK_AFTER_MICROS).contains(&elapsed);
        let micros = now.as_micros();
        let exchange =
            |from| self.looked_at.compare_exchange(from, micros, Ordering::AcqRel, Ordering::Acquire);
        if !is_due || exchange(looked_at).is_err() {
            return true;
        }
        match self.opened.source.schema_version() {
            Ok(version) => version == self.version,
            Err(error) => error.is_transient(),
        }
    }
}

impl App {
    /// The source of this record, opened, with its model. Quick when both are ready.
    ///
    /// # Errors
    /// [`OpenRefusal::Unusable`] when the database cannot be opened or described.
    pub async fn opened(&self, record: &DataSource) -> Result<Arc<Opened>, OpenRefusal> {
        let spec = SourceSpec::of(record.data_store, &record.options)?;
        let slot = self.models.slot(record.id);
        let attempts = slot.attempts.load(Ordering::Acquire);
        if let Some(ready) = slot.ready()
            && ready.fits(record, &spec)
            && ready.is_current(self.now())
        {
            return Ok(ready.opened.clone());
        }
        self.open_in_turn(record, spec, &slot, attempts).await
    }

    /// Opens and compiles anew, whatever is ready: for whoever asks that the model be read again.
    ///
    /// # Errors
    /// As [`App::opened`]; what was served before is served on.
    pub(crate) async fn reopen(&self, record: &DataSource) -> Result<Arc<Opened>, OpenRefusal> {
        let spec = SourceSpec::of(record.data_store, &record.options)?;
        let slot = self.models.slot(record.id);
        let mut failure = slot.turn.lock().await;
        let made = self.make_ready(record, spec, &slot).await;
        *failure = None;
        made
    }

    /// Has the next request ask whether the database has changed its structure, instead of when it is time.
    pub(crate) fn look_again(&self, id: DataSourceId) {
        if let Some(ready) = self.models.slot(id).ready() {
            ready.looked_at.store(i64::MIN, Ordering::Release);
        }
    }

    /// Forgets an opened source and its model; what still reads it is stopped.
    pub(crate) fn close_source(&self, id: DataSourceId) {
        self.models.forget(id);
        self.sources.close(id.get());
    }

    /// Opens a database that is no data source yet, and describes it, to see whether it is usable. Answers what the owner
    /// declares of it and does not hold.
    pub(crate) async fn try_out(
        &self,
        spec: SourceSpec,
    ) -> Result<Vec<(&'static str, Finding)>, OpenRefusal> {
        let sources = self.sources.clone();
        let deadline = self.schema_deadline();
        let tried = tokio::task::spawn_blocking(move || {
            let source = sources.try_out(&spec)?;
            source.read_schema(deadline)
        });
        Ok(tried.await.map_err(|panic| Fault::Broken(Box::new(panic)))??.refusals())
    }

    /// `attempts` is how many had ended when the request looked for what is ready.
    async fn open_in_turn(
        &self,
        record: &DataSource,
        spec: SourceSpec,
        slot: &Slot,
        attempts: u64,
    ) -> Result<Arc<Opened>, OpenRefusal> {
        let mut failure = slot.turn.lock().await;
        if slot.attempts.load(Ordering::Acquire) != attempts {
            // Somebody else had the turn while this request waited: what came of it holds for both.
            if let Some(error) = failure.clone() {
                return Err(error.into());
            }
            if let Some(ready) = slot.ready()
                && ready.fits(record, &spec)
            {
                return Ok(ready.opened.clone());
            }
        }
        let made = self.make_ready(record, spec, slot).await;
        *failure = match &made {
            Err(OpenRefusal::Unusable(error)) => Some(error.clone()),
            _ => None,
        };
        made
    }

    /// Opens, describes and compiles off the request threads, then swaps. Called by the holder of the turn only.
    async fn make_ready(
        &self,
        record: &DataSource,
        spec: SourceSpec,
        slot: &Slot,
    ) -> Result<Arc<Opened>, OpenRefusal> {
        let looked_at = self.now();
        let sources = self.sources.clone();
        let folders = self.every_folder();
        let deadline = self.schema_deadline();
        let (id, namespace, wanted) = (record.id.get(), namespace(&record.name), spec.clone());
        let made = tokio::task::spawn_blocking(move || {
            // Once more: since the source was created, a link may have taken the place of the file.
            wanted.allowed(&folders)?;
            let source = sources.open_or_get(id, &wanted)?;
            // Before the structure: what changes in between is noticed at the next look.
            let version = source.schema_version()?;
            let described = source.read_schema(deadline)?;
            let mut model = Model::compile(&namespace, described.schema);
            let refused = described.refused.into_iter().chain(described.refused_forms);
            model.findings.splice(0..0, refused.chain(described.findings));
            let opened = Opened {
                source,
                model: Arc::new(model),
                metadata: OnceLock::new(),
                is_outdated: Arc::default(),
            };
            Ok::<_, SourceError>((opened, version))
        });
        let made = made.await.map_err(|panic| Fault::Broken(Box::new(panic)))?;
        let made = made.map(|(opened, version)| {
            let opened = Arc::new(opened);
            slot.replace(Arc::new(Ready {
                opened: opened.clone(),
                spec,
                updated_at: record.updated_at,
                version,
                looked_at: AtomicI64::new(looked_at.as_micros()),
            }));
            opened
        });
        slot.attempts.fetch_add(1, Ordering::AcqRel);
        if self.models.has_forgotten(record.id) {
            // Deleted while it was being opened.
            self.sources.close(id);
        }
        Ok(made.inspect_err(|error| {
            tracing::warn!(data_source = id, %error, detail = error.detail(), "a data source cannot be read");
        })?)
    }

    /// Folders for an administrator: everything but the server's own.
    pub(crate) fn every_folder(&self) -> AllowedFolders {
        self.allowed_folders().or_anywhere()
    }

    /// Folders for everybody.
    pub(crate) fn allowed_folders(&self) -> AllowedFolders {
        AllowedFolders::below(self.settings.sqlite_folders.clone(), self.settings.forbidden_folders.clone())
    }

    fn schema_deadline(&self) -> Deadline {
        Deadline::after(Duration::from_secs(self.settings.odata_timeout_secs.into()))
    }
}

/// What [CSDL §5.1](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_Schema) keeps for
/// itself, and the namespace of our own terms.
const RESERVED_NAMESPACES: [&str; 5] = ["Edm", "odata", "System", "Transient", "Sluicegate"];

/// The namespace of a source of that name: the nearest OData identifier, since a name may hold dashes and begin with a
/// digit.
fn namespace(name: &str) -> String {
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
    fn a_namespace_is_an_identifier_whatever_the_source_is_called() {
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

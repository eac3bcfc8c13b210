//! The opened sources of a server, by id.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::resources::Resources;
use crate::{AllowedHosts, Source, SourceError, SourceKinds, SourceSpec};

/// Opened sources by id. Finding one takes a shared lock for the duration of a hash look-up; a file is never
/// opened under a lock, so a slow disk delays nobody else.
#[derive(Debug)]
pub struct Sources {
    kinds: SourceKinds,
    resources: Resources,
    open: RwLock<HashMap<i64, SourceEntry>>,
}

#[derive(Debug)]
struct SourceEntry {
    spec: SourceSpec,
    source: Arc<Source>,
}

impl Sources {
    /// Creates an empty registry for sources of these kinds.
    pub fn new(kinds: SourceKinds, resources: Resources) -> Self {
        Self { kinds, resources, open: RwLock::default() }
    }

    /// The hosts to which sources may connect.
    pub fn hosts(&self) -> &AllowedHosts {
        self.resources.connector.hosts()
    }

    /// The kinds of database that can be opened.
    pub fn kinds(&self) -> &SourceKinds {
        &self.kinds
    }

    /// The source with this id, if it is open.
    pub fn get(&self, id: i64) -> Option<Arc<Source>> {
        self.read().get(&id).map(|opened| Arc::clone(&opened.source))
    }

    /// The source with this id. It is opened if it is not open yet, or was opened from another place.
    ///
    /// # Errors
    /// Why the database cannot be opened; the id is then not open.
    pub fn open_or_get(&self, id: i64, spec: &SourceSpec) -> Result<Arc<Source>, SourceError> {
        if let Some(source) = self.opened_as(id, spec) {
            return Ok(source);
        }
        let source = Arc::new(self.try_out(spec)?);
        let mut open = self.write();
        // Another caller may have been faster; then all use that caller's source.
        if let Some(opened) = open.get(&id)
            && opened.spec == *spec
        {
            return Ok(Arc::clone(&opened.source));
        }
        let replaced = open.insert(id, SourceEntry { spec: spec.clone(), source: Arc::clone(&source) });
        drop(open);
        if let Some(replaced) = replaced {
            replaced.source.close();
        }
        Ok(source)
    }

    /// Opens a source without keeping it, to find out whether it is usable.
    ///
    /// # Errors
    /// Why the database cannot be opened.
    pub fn try_out(&self, spec: &SourceSpec) -> Result<Source, SourceError> {
        spec.open(&self.resources)
    }

    /// Closes the source with this id, if it is open; its running statements stop.
    pub fn close(&self, id: i64) {
        let closed = self.write().remove(&id);
        if let Some(closed) = closed {
            closed.source.close();
        }
    }

    /// Closes the sources whose ids `keep` rejects.
    pub fn retain(&self, keep: impl Fn(i64) -> bool) {
        let closed: Vec<SourceEntry> =
            self.write().extract_if(|id, _| !keep(*id)).map(|(_, opened)| opened).collect();
        for opened in closed {
            opened.source.close();
        }
    }

    /// Closes connections on which users have signed in themselves and that have waited for long.
    pub fn give_up_idle(&self) {
        let open: Vec<_> = self.read().values().map(|opened| Arc::clone(&opened.source)).collect();
        for source in open {
            source.give_up_idle();
        }
    }

    /// The number of open database connections, over all sources.
    pub fn open_connections(&self) -> usize {
        self.resources.budget.open()
    }

    fn opened_as(&self, id: i64, spec: &SourceSpec) -> Option<Arc<Source>> {
        self.read().get(&id).filter(|opened| opened.spec == *spec).map(|opened| Arc::clone(&opened.source))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<i64, SourceEntry>> {
        // The map is consistent between any two operations under the lock.
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<i64, SourceEntry>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

//! The opened sources of a server, by the ids under which it knows them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{ConnectionBudget, Limits, Source, SourceError, SourceSpec};

/// Opened sources by id. Finding one takes a shared lock for the time of a hash lookup; a file is never opened under
/// a lock, so a slow disk holds up nobody else.
#[derive(Debug)]
pub struct Sources {
    limits: Limits,
    budget: Arc<ConnectionBudget>,
    open: RwLock<HashMap<i64, Opened>>,
}

#[derive(Debug)]
struct Opened {
    spec: SourceSpec,
    source: Arc<Source>,
}

impl Sources {
    /// No source yet. `limits` hold for each, `connections` for all together.
    pub fn new(limits: Limits, connections: usize) -> Self {
        Self { limits, budget: ConnectionBudget::new(connections), open: RwLock::default() }
    }

    /// The source of this id, if it is open.
    pub fn get(&self, id: i64) -> Option<Arc<Source>> {
        self.read().get(&id).map(|opened| Arc::clone(&opened.source))
    }

    /// The source of this id, opened now if it was not, or if it was opened from another place.
    ///
    /// # Errors
    /// What keeps the database from being opened; the id is then not open.
    pub fn open_or_get(&self, id: i64, spec: &SourceSpec) -> Result<Arc<Source>, SourceError> {
        if let Some(source) = self.opened_as(id, spec) {
            return Ok(source);
        }
        let source = Arc::new(self.try_out(spec)?);
        let mut open = self.write();
        // Another caller may have been faster: then all use his.
        if let Some(opened) = open.get(&id)
            && opened.spec == *spec
        {
            return Ok(Arc::clone(&opened.source));
        }
        let replaced = open.insert(id, Opened { spec: spec.clone(), source: Arc::clone(&source) });
        drop(open);
        if let Some(replaced) = replaced {
            replaced.source.close();
        }
        Ok(source)
    }

    /// Opens a source without keeping it, to see whether it is usable.
    ///
    /// # Errors
    /// What keeps the database from being opened.
    pub fn try_out(&self, spec: &SourceSpec) -> Result<Source, SourceError> {
        Source::open(spec, &self.limits, &self.budget)
    }

    /// Ends the source of this id, if it is open: its running statements stop.
    pub fn close(&self, id: i64) {
        let closed = self.write().remove(&id);
        if let Some(closed) = closed {
            closed.source.close();
        }
    }

    /// Ends the sources whose id `keep` does not want.
    pub fn retain(&self, keep: impl Fn(i64) -> bool) {
        let closed: Vec<Opened> =
            self.write().extract_if(|id, _| !keep(*id)).map(|(_, opened)| opened).collect();
        for opened in closed {
            opened.source.close();
        }
    }

    /// How many database connections are open now, over all sources.
    pub fn open_connections(&self) -> usize {
        self.budget.open()
    }

    fn opened_as(&self, id: i64, spec: &SourceSpec) -> Option<Arc<Source>> {
        self.read().get(&id).filter(|opened| opened.spec == *spec).map(|opened| Arc::clone(&opened.source))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<i64, Opened>> {
        // A map is whole between any two of the single operations done under the lock.
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<i64, Opened>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

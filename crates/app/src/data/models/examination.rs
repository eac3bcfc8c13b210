//! Finds out what could be served of a database, without serving it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::account::DataSource;
use domain::id::UserId;
use odata::model::document::ModelDocument;
use odata::model::{Finding, Model, Schema};
use sources::{Examined, SourceError, SourceSpec};

use super::{Models, OpenRefusal, SourceOpener, off_request_threads};
use crate::Fault;

/// The number of databases that a node examines at the same time, each for another user.
const MOST_EXAMINATIONS: usize = 4;

/// What could be served of a database.
#[derive(Debug)]
pub(crate) struct Examination {
    /// The product and its version, as the server names them.
    pub(crate) product: String,
    /// The declarations of the owner that do not hold.
    pub(crate) refused: Vec<Finding>,
    /// What cannot be served, or only with restrictions.
    pub(crate) findings: Vec<Finding>,
    /// The number of tables and views of which columns can be read.
    pub(crate) readable: usize,
    /// The number of tables and views that the user of the data source may not read.
    pub(crate) unreadable: usize,
    /// The number of entity sets.
    pub(crate) served: usize,
}

/// The users for whom databases are being examined.
#[derive(Debug, Default)]
pub(super) struct Examinations(Mutex<HashSet<UserId>>);

/// The right to examine a database; dropping it ends the examination.
#[derive(Debug)]
pub(crate) struct ExaminationPermit {
    all: Arc<Examinations>,
    user: UserId,
}

impl Examinations {
    fn lock(&self) -> MutexGuard<'_, HashSet<UserId>> {
        // A set is consistent between any two operations under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ExaminationPermit {
    fn drop(&mut self) {
        self.all.lock().remove(&self.user);
    }
}

impl Models {
    /// The right to examine a database for a user; `None` while another one is examined for the user, or too many for
    /// others.
    pub(crate) fn may_examine(&self, user: UserId) -> Option<ExaminationPermit> {
        let mut running = self.examinations.lock();
        if running.len() >= MOST_EXAMINATIONS || !running.insert(user) {
            return None;
        }
        drop(running);
        Some(ExaminationPermit { all: Arc::clone(&self.examinations), user })
    }
}

impl SourceOpener<'_> {
    /// Opens a database, describes it and compiles its model, on connections of its own. The permit is held until the
    /// database is closed again, even if nobody waits for the result any more.
    ///
    /// # Errors
    /// The inner error says why the database cannot be read.
    pub(crate) async fn examine(
        self,
        spec: SourceSpec,
        document: ModelDocument,
        permit: ExaminationPermit,
    ) -> Result<Result<Examination, SourceError>, Fault> {
        let sources = self.context.sources.clone();
        let deadline = self.schema_deadline();
        let examined = off_request_threads(spec.placement(), async move {
            let source = sources.try_out(&spec)?;
            let examined = source.examine(deadline).await;
            source.close();
            Ok((examined?, source, permit))
        });
        let (examined, source, permit) = match examined.await? {
            Ok(examined) => examined,
            Err(error) => return Ok(Err(error)),
        };
        source.closed().await;
        let summed_up =
            tokio::task::spawn_blocking(move || (Examination::of(examined, &document), permit)).await;
        let (examination, _permit) = summed_up.map_err(|panic| Fault::Broken(Box::new(panic)))?;
        Ok(Ok(examination))
    }

    /// The tables and views of a data source, as its database describes them now.
    ///
    /// # Errors
    /// [`OpenRefusal::Unusable`] if the database cannot be opened or described.
    pub(crate) async fn structure(
        self,
        record: &DataSource,
        permit: ExaminationPermit,
    ) -> Result<Schema, OpenRefusal> {
        let source = Arc::clone(&self.opened(record).await?.source);
        let deadline = self.schema_deadline();
        let described = off_request_threads(source.placement(), async move {
            let described = source.describe(deadline).await;
            drop(permit);
            Ok(described?.schema)
        });
        Ok(described.await??)
    }
}

impl Examination {
    fn of(examined: Examined, document: &ModelDocument) -> Self {
        let Examined { product, described } = examined;
        let readable = described.schema.tables.len();
        let model = Model::shaped("Examined", described.schema, document);
        let mut findings = described.findings;
        findings.extend(model.findings);
        Self {
            product,
            refused: described.refused.into_iter().map(|(_, finding)| finding).collect(),
            findings,
            readable,
            unreadable: described.unreadable,
            served: model.entity_types.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_database_is_examined_for_each_user_and_few_for_all() {
        let models = Models::default();
        let permits: Vec<_> = (1..=4).filter_map(|id| models.may_examine(UserId::new(id))).collect();
        assert_eq!(permits.len(), MOST_EXAMINATIONS);
        assert!(models.may_examine(UserId::new(5)).is_none(), "enough are running");
        let mut permits = permits.into_iter();
        drop(permits.next());
        assert!(models.may_examine(UserId::new(2)).is_none(), "the user's own is running");
        assert!(models.may_examine(UserId::new(5)).is_some());
        drop(permits);
        assert!(models.examinations.lock().is_empty());
    }
}

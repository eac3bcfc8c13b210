//! Changes that are bound in their transaction: they refer to what an earlier one has created, or their path leads through a
//! navigation property to one entity.

use std::ops::ControlFlow;

use odata::change::{Lead, References};
use sources::{SourceError, SourceRow};

use super::{Bound, ChangeAnswer, ChangeJob, Reads, Step, StepResult, WantedChange};

impl ChangeJob {
    /// Binds a change; `None` if its path leads to nothing.
    pub(super) async fn bound_late(
        &self,
        asked: &WantedChange<'static>,
        step: &Step,
        references: &References,
        reads: &mut impl Reads,
    ) -> StepResult<Option<Bound>> {
        let address = references.resolved(&asked.path_and_query);
        let shown = &step.parts.shown;
        let lead = match Lead::of(&address, &shown.model, shown.source.dialect()) {
            Ok(lead) => lead,
            Err(error) => return Ok(Err(error.into())),
        };
        let address = match lead {
            None => address.into_owned(),
            Some(lead) => {
                let mut found = None;
                let mut entity = |row: &SourceRow<'_>| {
                    found = Some(lead.path_and_query(row));
                    ControlFlow::Continue(())
                };
                reads.query(&lead.statement, &mut entity).await?;
                match found {
                    Some(address) => address,
                    None => return Ok(Ok(None)),
                }
            }
        };
        Ok(asked.bind_at(address, references, &self.root, &step.parts).map(Some))
    }

    /// The answer to a change whose path leads to nothing, if it was made before: that may be why.
    pub(super) async fn answered_before(
        &self,
        step: &Step,
        reads: &mut impl Reads,
    ) -> Result<Option<ChangeAnswer>, SourceError> {
        let dialect = step.parts.opened.source.dialect();
        match &step.repetition {
            Some(repetition) => repetition.answer_without_entity(&self.root, dialect, reads).await,
            None => Ok(None),
        }
    }
}

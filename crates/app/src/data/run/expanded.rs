//! Reads entities with those that are related to them: one statement after the other, then the whole.

use std::ops::ControlFlow;

use odata::expansion::{Expansion, Gathering, Progress};
use odata::plan::{Query, Single};
use odata::statement::Statement;
use sources::{SourceError, SourceRow};

use super::Pager;
use super::bounds::LONGEST_ROW;
use super::one::{Found, OneRow, exists};
use super::rows::{Out, Reads};
use super::sealer::Sealer;

impl Pager {
    /// Writes a page whose entities are expanded.
    pub(super) async fn write_expanded(
        &self,
        query: &Query,
        mut gathering: Gathering<'_>,
        count: Option<i64>,
        reads: &mut impl Reads,
        out: &mut impl Out,
    ) -> Result<Found, SourceError> {
        let statements = query.expansion.as_deref().map(Expansion::statements);
        let mut contradicts_model = None;
        let note = |row: &SourceRow<'_>| {
            contradicts_model.get_or_insert_with(|| query.is_contradicted_by(row));
        };
        gather(&mut gathering, &query.statement, statements.unwrap_or_default(), reads, note).await?;
        if gathering.rows() == 0 && !exists(reads, query.owner.as_ref()).await? {
            return Ok(Found::Nothing);
        }
        self.sealer.link(&mut gathering)?;
        let link = match query.position_of(&gathering) {
            Some(position) => Some(query.next_link(&self.seal(&position)?)),
            None => None,
        };
        let mut body = query.encoder.start(out.buffer(), count);
        gathering.write(out.buffer());
        body.add_rows(gathering.rows());
        self.count(gathering.all_rows() as u64);
        body.finish(out.buffer(), link.as_deref());
        self.leave(link);
        self.recorder.note(gathering.invalid_values(), contradicts_model.unwrap_or_default());
        Ok(Found::Written)
    }
}

impl OneRow {
    /// Writes one entity that is expanded. `note` sees its row.
    pub(super) async fn write_expanded(
        &self,
        single: &Single,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
        note: impl FnMut(&SourceRow<'_>) + Send,
    ) -> Result<Found, SourceError> {
        let (Some(mut gathering), Some(expansion)) = (single.gather(), single.expansion.as_deref()) else {
            return Ok(Found::Nothing);
        };
        gather(&mut gathering, &single.statement, expansion.statements(), reads, note).await?;
        if gathering.rows() == 0 {
            return Ok(Found::Nothing);
        }
        self.sealer.link(&mut gathering)?;
        gathering.write(out);
        if let Some(recorded) = &self.recorded {
            recorded.set(gathering.all_rows() as u64);
        }
        self.recorder.note(gathering.invalid_values(), false);
        Ok(Found::Written)
    }
}

impl Sealer {
    /// Adds the links to the rest of the lists that are not complete.
    fn link(&self, gathering: &mut Gathering<'_>) -> Result<(), SourceError> {
        let cuts = gathering.cuts().map_err(|error| SourceError::Failed { detail: error.to_string() })?;
        for (level, position) in cuts {
            gathering.link(level, &self.seal(&position)?);
        }
        Ok(())
    }
}

/// Runs the statements of all levels. `note` sees the rows of the first one.
async fn gather(
    gathering: &mut Gathering<'_>,
    first: &Statement,
    others: &[Statement],
    reads: &mut impl Reads,
    mut note: impl FnMut(&SourceRow<'_>) + Send,
) -> Result<(), SourceError> {
    for (level, statement) in std::iter::once(first).chain(others).enumerate() {
        if !gathering.is_needed(level) {
            continue;
        }
        let mut outcome = Ok(());
        let mut take = |row: &SourceRow<'_>| {
            if level == 0 {
                note(row);
            }
            match gathering.row(level, row) {
                Progress::Go if gathering.weight() <= LONGEST_ROW => return ControlFlow::Continue(()),
                Progress::Go => outcome = Err(SourceError::ValueTooLarge),
                Progress::Done => {}
                Progress::Misordered => {
                    let detail = "related rows are not in the order of their parents".to_owned();
                    outcome = Err(SourceError::Failed { detail });
                }
            }
            ControlFlow::Break(())
        };
        reads.query(statement, &mut take).await?;
        outcome?;
    }
    Ok(())
}

//! Reads at most one row, or one number.

use std::ops::ControlFlow;

use odata::cell::{Cell, Row};
use odata::encode::{InvalidValues, Written};
use odata::entity_tag::EntityTag;
use odata::plan::{Plan, Single};
use odata::statement::Statement;
use sources::driver::ready;
use sources::{InlineReads, SourceError, SourceRow};

use super::bounds::{LONGEST_ROW, inline_run};
use super::rows::{Alone, Reads};
use super::sealer::Sealer;
use crate::data::invalid_values::InvalidValueRecorder;
use crate::data::record::RowCount;

/// The result of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Written,
    Null,
    Nothing,
}

/// What was found, and the tag of the entity that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FoundOne {
    pub(super) found: Found,
    pub(super) tag: Option<EntityTag>,
}

impl FoundOne {
    pub(super) const NOTHING: Self = Self { found: Found::Nothing, tag: None };
}

/// What a query for at most one row needs besides its plan.
#[derive(Clone)]
pub(in crate::data) struct OneRow {
    pub(super) sealer: Sealer,
    pub(super) recorder: InvalidValueRecorder,
    /// Where the rows are counted, if the request is recorded.
    pub(super) recorded: Option<RowCount>,
}

/// Whether the entity exists to which rows must be related, if there is one.
pub(super) async fn exists(reads: &mut impl Reads, owner: Option<&Statement>) -> Result<bool, SourceError> {
    let Some(statement) = owner else { return Ok(true) };
    let mut exists = false;
    let mut any = |_: &SourceRow<'_>| {
        exists = true;
        ControlFlow::Break(())
    };
    reads.query(statement, &mut any).await?;
    Ok(exists)
}

/// Writes the result of a plan for at most one row on the caller's thread.
pub(super) fn write_inline(
    source: InlineReads<'_>,
    plan: &Plan,
    out: &mut Vec<u8>,
    one: &OneRow,
) -> Result<FoundOne, SourceError> {
    let is_several = match plan {
        Plan::Entity(single) => single.owner.is_some() || single.expansion.is_some(),
        Plan::Count { owner, .. } => owner.is_some(),
        _ => false,
    };
    if is_several {
        return source.read(inline_run(), |runner| ready(write_one(plan, runner, out, one)));
    }
    ready(write_one(plan, &mut Alone { source, run: inline_run() }, out, one))
}

/// Writes the result of a plan for at most one row.
pub(super) async fn write_one(
    plan: &Plan,
    reads: &mut impl Reads,
    out: &mut Vec<u8>,
    one: &OneRow,
) -> Result<FoundOne, SourceError> {
    let FoundOne { mut found, mut tag } = FoundOne::NOTHING;
    let recorder = &one.recorder;
    match plan {
        Plan::Entity(single) if single.expansion.is_some() => {
            found = one.write_expanded(single, reads, out, |row| tag = single.encoder.tag(row)).await?;
        }
        Plan::Entity(single) => {
            let mut entity = |row: &SourceRow<'_>| {
                tag = single.encoder.tag(row);
                recorder.note(single.encoder.entity(out, row), false);
                found = Found::Written;
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut entity).await?;
        }
        Plan::Property(single) => {
            let mut property = |row: &SourceRow<'_>| {
                found = access_note(recorder, single, single.encoder.property(out, row));
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut property).await?;
        }
        Plan::Value(single) => {
            let mut value = |row: &SourceRow<'_>| {
                found = access_note(recorder, single, single.encoder.value(out, row));
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut value).await?;
        }
        Plan::Count { statement, owner, .. } => {
            let number = number(reads, statement).await?;
            if number > 0 || exists(reads, owner.as_ref()).await? {
                out.extend_from_slice(number.to_string().as_bytes());
                found = Found::Written;
            }
        }
        Plan::ServiceDocument(_) | Plan::Metadata(_) | Plan::Entities(_) => {}
    }
    if let (Found::Nothing, Plan::Entity(single)) = (found, plan)
        && single.owner.is_some()
        && exists(reads, single.owner.as_ref()).await?
    {
        found = Found::Null;
    }
    if out.len() > LONGEST_ROW {
        return Err(SourceError::ValueTooLarge);
    }
    Ok(FoundOne { found, tag })
}

/// Records the result of writing one property.
fn access_note(recorder: &InvalidValueRecorder, single: &Single, written: Written) -> Found {
    if written == Written::Value {
        return Found::Written;
    }
    let (values, promised) = (u64::from(written == Written::Invalid), single.encoder.is_promised());
    recorder.note(InvalidValues { values, promised: promised.into() }, false);
    Found::Null
}

/// The only number in the result of a statement.
pub(super) async fn number(reads: &mut impl Reads, statement: &Statement) -> Result<i64, SourceError> {
    let mut number = 0;
    let mut only = |row: &SourceRow<'_>| {
        if let Cell::Integer(value) = row.cell(0) {
            number = value;
        }
        ControlFlow::Break(())
    };
    reads.query(statement, &mut only).await?;
    Ok(number)
}

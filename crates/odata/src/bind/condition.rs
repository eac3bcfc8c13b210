//! Binding what a rule says about the rows of a table.

use jiff::Timestamp;

use super::expression::Binder;
use super::scope::{Budget, Needed, Scopes};
use crate::error::Error;
use crate::model::document::condition::TARGET;
use crate::model::{EntityType, Model};
use crate::syntax::expression::Parser;
use crate::tree::column::ScanId;
use crate::tree::typed::Typed;
use crate::tree::{PlanNode, Scan};

/// The condition of a rule, bound to the rows of its table as the [first scan](ScanId::FIRST).
pub(crate) struct BoundCondition<'m> {
    pub(crate) condition: Typed,
    /// Whether it depends on the time.
    pub(crate) uses_now: bool,
    /// The table, with the rows that the condition reads of others.
    pub(crate) rows: PlanNode<'m>,
    /// Whether there are such rows.
    pub(crate) navigates: bool,
}

/// Binds the condition of a rule about a type of the model.
pub(crate) fn bound<'m>(
    model: &'m Model,
    entity_type: &'m EntityType,
    text: &str,
) -> Result<BoundCondition<'m>, Error> {
    let node = Parser::new(text, TARGET).whole()?;
    let budget = Budget::from(ScanId::FIRST.next());
    let scopes = Scopes::of(model, budget, ScanId::FIRST, entity_type, true);
    let mut binder = Binder::new(scopes, TARGET, Timestamp::UNIX_EPOCH);
    let condition = binder.condition(&node)?;
    let uses_now = binder.used_now;
    let (Needed { joins, looked_up }, _) = binder.scopes.finish();
    let navigates = !joins.is_empty() || !looked_up.is_empty();
    let rows = PlanNode::Scan(Scan::of(ScanId::FIRST, entity_type)).joined(&joins).looking_up(looked_up);
    Ok(BoundCondition { condition, uses_now, rows, navigates })
}

/// Binds a value of a row of a table.
pub(crate) fn value(entity_type: &EntityType, text: &str) -> Result<Typed, Error> {
    let node = Parser::new(text, TARGET).whole()?;
    let scopes = Scopes::of_derived(Budget::from(ScanId::FIRST.next()), ScanId::FIRST, entity_type);
    Binder::new(scopes, TARGET, Timestamp::UNIX_EPOCH).bind_subject(&node)
}

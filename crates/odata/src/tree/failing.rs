//! Which trees have expressions that may fail.

use super::concat::{Concat, ConcatPart};
use super::cross::Cross;
use super::reach::Reaching;
use super::typed::{Failing, Typed};
use super::{Aggregate, Compute, Expand, Filter, Lookup, Order, Page, PlanNode, Take};

impl PlanNode<'_> {
    /// Whether an expression may be [unanswerable](crate::statement::Unanswerable) for a row.
    pub(super) fn may_fail(&self) -> bool {
        let can = |typed: &Typed| typed.can_fail(Failing::ANYWHERE);
        match self {
            Self::Scan(scan) => scan.key.iter().any(can),
            Self::Filter(Filter { input, condition }) => can(condition) || input.may_fail(),
            Self::Compute(Compute { input, values, .. }) => {
                values.iter().any(|computed| can(&computed.value)) || input.may_fail()
            }
            Self::Lookup(Lookup { input, .. }) => input.may_fail(),
            Self::Aggregate(Aggregate { input, keys, aggregates, .. }) => {
                let mut operands = aggregates.iter().filter_map(|aggregated| aggregated.operand.as_ref());
                keys.iter().any(can) || operands.any(can) || input.may_fail()
            }
            Self::Expand(Expand { input, nested, .. }) | Self::Cross(Cross { input, nested }) => {
                input.may_fail() || nested.may_fail()
            }
            Self::Take(Take { input, order, .. }) => order_may_fail(order) || input.may_fail(),
            Self::Reach(Reaching { input, by, order, wanted, reached, .. }) => {
                [by, wanted, reached].into_iter().any(can) || order_may_fail(order) || input.may_fail()
            }
            Self::Concat(Concat { parts, .. }) => parts
                .iter()
                .any(|ConcatPart { input, values }| values.iter().flatten().any(can) || input.may_fail()),
            Self::Page(page) => page.may_fail(),
        }
    }
}

impl Page<'_> {
    /// Likewise: a later page compares the terms of its order with a position.
    pub(super) fn may_fail(&self) -> bool {
        order_may_fail(&self.order) || self.input.may_fail()
    }
}

fn order_may_fail(order: &[Order]) -> bool {
    order.iter().any(|order| order.term.can_fail(Failing::ANYWHERE))
}

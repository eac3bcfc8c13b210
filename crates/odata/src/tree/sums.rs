//! Builds the node with the first rows that together reach a sum.

use super::aggregate::derived_type;
use super::class::Class;
use super::column::ScanId;
use super::described::DescribedValue;
use super::reach::{Reaching, unused_prefix};
use super::typed::{Arithmetic, Comparison, Constant, Term, Typed};
use super::{AggregateFunction, Aggregated, Order, PlanNode, Scans};
use crate::edm_type::EdmType;

/// Which sum is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// This number.
    Sum(Typed),
    /// So many percent of the sum of all rows.
    Percent(Typed),
}

impl<'m> Reaching<'m> {
    /// The first rows of the input, in this order, whose values reach a sum.
    pub(crate) fn of(input: PlanNode<'m>, id: ScanId, by: Typed, order: Vec<Order>, wanted: Wanted) -> Self {
        let scans = Scans::of(&input);
        let sum = Aggregated { function: AggregateFunction::Sum, operand: Some(by.clone()) }.describe(&scans);
        let place = DescribedValue::number(EdmType::Int64, false);
        let last = DescribedValue { nullable: true, ..place };
        let prefix = unused_prefix(input.entity_type());
        let properties = [sum, sum, place, last].into_iter().enumerate();
        let properties: Vec<_> =
            properties.map(|(at, described)| described.property("", format!("{prefix}{at}"))).collect();
        let column = |at: usize| Typed::column(id.column(at), &properties[at]);
        let (so_far, of_all) = (column(Self::SO_FAR), column(Self::OF_ALL));
        let zero = || Typed::constant(Constant::Integer(0));
        let (wanted, reached) = match wanted {
            Wanted::Sum(sum) => (
                Typed::compare(Comparison::Gt, sum.clone(), zero()),
                Typed::compare(Comparison::Ge, so_far, sum),
            ),
            Wanted::Percent(percent) => {
                let hundred = Typed::constant(Constant::Integer(100));
                let reached = Typed::compare(
                    Comparison::Ge,
                    product(so_far, hundred),
                    product(of_all.clone(), percent),
                );
                (Typed::compare(Comparison::Gt, of_all, zero()), reached)
            }
        };
        let entity_type = Box::new(derived_type(input.entity_type(), properties, Vec::new()));
        Self { input: Box::new(input), id, by, order, wanted, reached, entity_type }
    }
}

/// The product of a sum and a constant.
fn product(sum: Typed, constant: Typed) -> Typed {
    let is_double = sum.class == Class::Double || constant.class == Class::Double;
    let class = if is_double { Class::Double } else { Class::Decimal };
    Typed {
        term: Term::Arithmetic(Arithmetic::Mul, Box::new(sum), Box::new(constant)),
        class,
        nullable: true,
    }
}

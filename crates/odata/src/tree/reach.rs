//! The first rows whose values together reach a sum ([OData Data Aggregation 4.0
//! §3.3](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_TransformationsProducingaSubset)).

use super::aggregate::derived_type;
use super::class::Class;
use super::column::ScanId;
use super::described::Described;
use super::typed::{Arithmetic, Comparison, Constant, Term, Typed};
use super::{AggregateFunction, Aggregated, Order, PlanNode, Scans};
use crate::edm_type::EdmType;
use crate::model::EntityType;

/// Of its input, the first rows in an order, up to the one with which the sum of a value is at least as high as wanted; all
/// rows if it never is.
#[derive(Debug, Clone)]
pub(crate) struct Reach<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// The scan of what is known of each row besides its columns.
    pub(crate) id: ScanId,
    pub(crate) by: Typed,
    /// The terms end with the key.
    pub(crate) order: Vec<Order>,
    /// Whether anything is wanted at all, about the columns of the scan.
    pub(crate) wanted: Typed,
    /// Whether the sum is reached with a row, about the columns of the scan.
    pub(crate) reached: Typed,
    /// [The sum so far](Self::SO_FAR), [that of all rows](Self::OF_ALL), [the place of the row](Self::PLACE) and [that of the
    /// last row](Self::LAST). Their columns have names that those of the input do not have.
    pub(crate) entity_type: Box<EntityType>,
}

/// Which sum is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// This number.
    Sum(Typed),
    /// So many percent of the sum of all rows.
    Percent(Typed),
}

impl<'m> Reach<'m> {
    pub(crate) const SO_FAR: usize = 0;
    pub(crate) const OF_ALL: usize = 1;
    pub(crate) const PLACE: usize = 2;
    pub(crate) const LAST: usize = 3;

    /// The first rows of the input, in this order, whose values reach a sum.
    pub(crate) fn of(input: PlanNode<'m>, id: ScanId, by: Typed, order: Vec<Order>, wanted: Wanted) -> Self {
        let scans = Scans::of(&input);
        let sum = Aggregated { function: AggregateFunction::Sum, operand: Some(by.clone()) }.describe(&scans);
        let place = Described::number(EdmType::Int64, false);
        let last = Described { nullable: true, ..place };
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

/// What no column of a type begins with.
pub(crate) fn unused_prefix(entity_type: &EntityType) -> String {
    let mut prefix = "o".to_owned();
    while entity_type.properties.iter().any(|property| property.column.to_lowercase().starts_with(&prefix)) {
        prefix.push('o');
    }
    prefix
}

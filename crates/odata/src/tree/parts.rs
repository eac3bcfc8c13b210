//! Concatenating parts: the type of the rows, and their order.

use super::aggregate::derived_type;
use super::column::ScanId;
use super::concat::{Concat, ConcatPart};
use super::described::DescribedValue;
use super::typed::Typed;
use super::{Order, PlanNode, Scans};
use crate::edm_type::EdmType;
use crate::model::EntityType;

/// A part that is going to be concatenated.
pub(crate) struct NewPart<'m> {
    pub(crate) input: PlanNode<'m>,
    /// The place of each value among the properties, and the value.
    pub(crate) values: Vec<(usize, Typed)>,
    /// The order of its rows.
    pub(crate) order: Vec<Order>,
}

impl NewPart<'_> {
    /// The terms of its order, which are null in the rows of other parts.
    fn describe_order(&self) -> Vec<DescribedValue> {
        let scans = Scans::of(&self.input);
        let describe =
            |order: &Order| DescribedValue { nullable: true, ..DescribedValue::of(&order.term, &scans) };
        self.order.iter().map(describe).collect()
    }
}

impl<'m> Concat<'m> {
    /// The rows of the parts, which have named properties, some of which are the key together with the number of the part; and
    /// the order in which they are: one part after the other, each in its own order.
    pub(crate) fn of(
        id: ScanId,
        parts: Vec<NewPart<'m>>,
        named: &[(String, DescribedValue)],
        key: Vec<usize>,
    ) -> (Self, Vec<Order>) {
        let orders: Vec<DescribedValue> = parts.iter().flat_map(NewPart::describe_order).collect();
        let of_named = named.iter().map(|(name, described)| (name.as_str(), *described));
        // What only the order needs has no name.
        let of_orders = orders.iter().map(|described| ("", *described));
        let number = ("", DescribedValue::number(EdmType::Int64, false));
        let properties = of_named.chain(of_orders).chain([number]).enumerate();
        let properties: Vec<_> =
            properties.map(|(at, (name, described))| described.property(name, format!("c{at}"))).collect();
        let last = properties.len() - 1;
        let descending = parts.iter().flat_map(|part| &part.order).map(|order| order.descending);
        let column = |at: usize| Typed::column(id.column(at), &properties[at]);
        let mut order = vec![Order { term: column(last), descending: false }];
        order.extend(
            (named.len()..last)
                .zip(descending)
                .map(|(at, descending)| Order { term: column(at), descending }),
        );
        let key = std::iter::once(last).chain(key).collect();
        let unnamed = orders.len() + 1;
        let of_input = parts[0].input.entity_type();
        let entity_type = EntityType { unnamed, ..derived_type(of_input, properties, key) };
        let mut place = named.len();
        let parts = parts.into_iter().map(|NewPart { input, values, order }| {
            let mut all = vec![None; last];
            for (at, value) in values {
                all[at] = Some(value);
            }
            for Order { term, .. } in order {
                all[place] = Some(term);
                place += 1;
            }
            ConcatPart { input, values: all }
        });
        let parts = parts.collect();
        (Self { id, parts, entity_type: Box::new(entity_type) }, order)
    }
}

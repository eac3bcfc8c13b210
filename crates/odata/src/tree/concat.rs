//! Rows of several nodes, one node after the other ([OData Data Aggregation 4.0
//! §3.2.2](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_BasicTransformations)).

use super::aggregate::derived_type;
use super::column::ScanId;
use super::described::Described;
use super::typed::Typed;
use super::{Order, PlanNode, Scans};
use crate::edm_type::EdmType;
use crate::model::EntityType;

/// The rows of all parts. A column that a part does not have is null in its rows.
#[derive(Debug, Clone)]
pub(crate) struct Concat<'m> {
    pub(crate) id: ScanId,
    pub(crate) parts: Vec<Part<'m>>,
    /// The type of the resulting rows. Its last property is the number of the part, with which the key begins. Columns are
    /// called by their position.
    pub(crate) entity_type: Box<EntityType>,
}

/// A part with the value of each property but the last one; `None` for those that it does not have.
#[derive(Debug, Clone)]
pub(crate) struct Part<'m> {
    pub(crate) input: PlanNode<'m>,
    pub(crate) values: Vec<Option<Typed>>,
}

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
    fn describe_order(&self) -> Vec<Described> {
        let scans = Scans::of(&self.input);
        let describe = |order: &Order| Described { nullable: true, ..Described::of(&order.term, &scans) };
        self.order.iter().map(describe).collect()
    }
}

impl<'m> Concat<'m> {
    /// The rows of the parts, which have named properties, some of which are the key together with the number of the part; and
    /// the order in which they are: one part after the other, each in its own order.
    pub(crate) fn of(
        id: ScanId,
        parts: Vec<NewPart<'m>>,
        named: &[(String, Described)],
        key: Vec<usize>,
    ) -> (Self, Vec<Order>) {
        let orders: Vec<Described> = parts.iter().flat_map(NewPart::describe_order).collect();
        let of_named = named.iter().map(|(name, described)| (name.as_str(), *described));
        // What only the order needs has no name.
        let of_orders = orders.iter().map(|described| ("", *described));
        let number = ("", Described::number(EdmType::Int64, false));
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
            Part { input, values: all }
        });
        let parts = parts.collect();
        (Self { id, parts, entity_type: Box::new(entity_type) }, order)
    }
}

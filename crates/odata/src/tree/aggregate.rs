//! Groups: the functions that aggregate their rows, and the types of the results.

use super::class::Class;
use super::column::ScanId;
use super::typed::Typed;
use super::{Aggregate, AggregateFunction, Aggregated, PlanNode, Scans, described_as, type_of};
use crate::edm_type::EdmType;
use crate::model::EntityType;

/// The type of numbers of rows and of exact sums.
const DECIMAL: EdmType = EdmType::Decimal { precision: None, scale: None };

impl AggregateFunction {
    const METHODS: [(&str, Self); 5] = [
        ("sum", Self::Sum),
        ("min", Self::Min),
        ("max", Self::Max),
        ("average", Self::Average),
        ("countdistinct", Self::CountDistinct),
    ];

    /// The function with the name of an aggregation method.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::METHODS.into_iter().find(|(known, _)| *known == name).map(|(_, function)| function)
    }

    /// The name of the aggregation method.
    pub(crate) fn name(self) -> &'static str {
        Self::METHODS.into_iter().find(|(_, known)| *known == self).map_or("$count", |(name, _)| name)
    }
}

impl<'m> Aggregate<'m> {
    /// The groups of the input by named keys, with named aggregates.
    pub(crate) fn of(
        input: PlanNode<'m>,
        id: ScanId,
        keys: Vec<(&str, Typed)>,
        aggregates: Vec<(&str, Aggregated)>,
    ) -> Self {
        let scans = Scans::of(&input);
        let of_key = |(name, key): &(&str, Typed)| ((*name).to_owned(), type_of(key, &scans), key.nullable);
        let of_aggregate = |(name, aggregated): &(&str, Aggregated)| {
            let (ty, nullable) = aggregated.describe(&scans);
            ((*name).to_owned(), ty, nullable)
        };
        let results = keys.iter().map(of_key).chain(aggregates.iter().map(of_aggregate)).enumerate();
        let properties =
            results.map(|(at, (name, ty, nullable))| described_as(&name, format!("c{at}"), ty, nullable));
        let entity_type = EntityType {
            schema: None,
            name: input.entity_type().name.clone(),
            table: String::new(),
            properties: properties.collect(),
            key: (0..keys.len()).collect(),
            loose_key: Vec::new(),
            key_is_enforced: true,
            navigations: Vec::new(),
            has_unusable_index: false,
        };
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        let aggregates = aggregates.into_iter().map(|(_, aggregated)| aggregated).collect();
        Self { input: Box::new(input), id, keys, aggregates, entity_type }
    }
}

impl Aggregated {
    /// The type of the result, and whether it may be null.
    fn describe(&self, scans: &Scans<'_>) -> (EdmType, bool) {
        let operand = self.operand.as_ref();
        match (self.function, operand) {
            (AggregateFunction::Count | AggregateFunction::CountDistinct, _) | (_, None) => (DECIMAL, false),
            (AggregateFunction::Average, _) => (EdmType::Double, true),
            (AggregateFunction::Sum, Some(operand)) if operand.class == Class::Double => {
                (EdmType::Double, true)
            }
            // A sum of 64-bit integers may need more than 64 bits.
            (AggregateFunction::Sum, Some(_)) => (DECIMAL, true),
            (AggregateFunction::Min | AggregateFunction::Max, Some(operand)) => {
                (type_of(operand, scans), true)
            }
        }
    }
}

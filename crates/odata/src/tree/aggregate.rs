//! Groups: the functions that aggregate their rows, and the types of the results.

use super::class::Class;
use super::column::ScanId;
use super::described::DescribedValue;
use super::typed::Typed;
use super::{Aggregate, AggregateFunction, Aggregated, PlanNode, Scans};
use crate::aggregation_method::Method;
use crate::edm_type::EdmType;
use crate::model::{AllowedChanges, EntityType, Property};

/// The type of numbers of rows and of exact sums.
const DECIMAL: EdmType = EdmType::Decimal { precision: None, scale: None };

impl From<Method> for AggregateFunction {
    fn from(method: Method) -> Self {
        match method {
            Method::Sum => Self::Sum,
            Method::Min => Self::Min,
            Method::Max => Self::Max,
            Method::Average => Self::Average,
            Method::CountDistinct => Self::CountDistinct,
        }
    }
}

impl AggregateFunction {
    /// The name of the aggregation method.
    pub(crate) fn name(self) -> &'static str {
        let method = Method::ALL.into_iter().find(|method| Self::from(*method) == self);
        method.map_or("$count", Method::as_str)
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
        let of_keys = keys.iter().map(|(name, key)| (*name, DescribedValue::of(key, &scans)));
        let of_aggregates = aggregates.iter().map(|(name, aggregated)| (*name, aggregated.describe(&scans)));
        let results = of_keys.chain(of_aggregates).enumerate();
        let properties = results.map(|(at, (name, value))| value.property(name, format!("c{at}")));
        let key = (0..keys.len()).collect();
        let entity_type = derived_type(input.entity_type(), properties.collect(), key);
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        let aggregates = aggregates.into_iter().map(|(_, aggregated)| aggregated).collect();
        Self { input: Box::new(input), id, keys, aggregates, entity_type: Box::new(entity_type) }
    }
}

/// The type of rows that are derived from those of a type and have properties of their own. The columns of the key are never
/// doubtful.
pub(super) fn derived_type(from: &EntityType, properties: Vec<Property>, key: Vec<usize>) -> EntityType {
    EntityType {
        schema: None,
        name: from.name.clone(),
        type_name: from.type_name.clone(),
        table: String::new(),
        properties,
        unnamed: 0,
        key,
        loose_key: Vec::new(),
        key_is_enforced: true,
        navigations: Vec::new(),
        has_unusable_index: false,
        searchable: Vec::new(),
        changes: None,
        may_replace: false,
        may_rewrite: false,
        allowed_changes: AllowedChanges::ALL,
        rule: None,
    }
}

impl Aggregated {
    /// The result.
    pub(super) fn describe(&self, scans: &Scans<'_>) -> DescribedValue {
        let operand = self.operand.as_ref();
        match (self.function, operand) {
            (AggregateFunction::Count | AggregateFunction::CountDistinct, _) | (_, None) => {
                DescribedValue::number(DECIMAL, false)
            }
            (AggregateFunction::Average, _) => DescribedValue::number(EdmType::Double, true),
            (AggregateFunction::Sum, Some(operand)) if operand.class == Class::Double => {
                DescribedValue::number(EdmType::Double, true)
            }
            // A sum of 64-bit integers may need more than 64 bits. That of decimals has as many digits after the point as they have.
            (AggregateFunction::Sum, Some(operand)) => match DescribedValue::of(operand, scans).ty {
                EdmType::Decimal { scale, .. } => {
                    DescribedValue::number(EdmType::Decimal { precision: None, scale }, true)
                }
                _ => DescribedValue::number(DECIMAL, true),
            },
            (AggregateFunction::Min | AggregateFunction::Max, Some(operand)) => {
                DescribedValue { nullable: true, ..DescribedValue::of(operand, scans) }
            }
        }
    }
}

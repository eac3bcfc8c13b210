//! `list_entities` and `describe_entity`: what the caller reaches of a model.

use odata::address;
use odata::edm_type::EdmType;
use odata::model::{EntityType, Model, Property};
use serde_json::{Value, json};

use super::arguments::ToolArguments;
use super::{Answer, MOST_BYTES, Target, ToolRefusal, answers};

/// Lists the entity sets.
pub(super) async fn list(target: &Target<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let model = target.model().await?;
    Ok(answers::names(
        "entities",
        arguments,
        model.entity_types.iter(),
        |entity_type| &entity_type.name,
        |entity_type| json!({"name": entity_type.name, "properties": entity_type.properties.len()}),
    ))
}

/// Describes an entity set.
pub(super) async fn describe(target: &Target<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let model = target.model().await?;
    let entity_type = address::entity_set(&model, arguments.text("entity").unwrap_or_default())?;
    let mut bytes = 0;
    let mut fits = |described: &Value| {
        bytes += described.to_string().len();
        bytes <= MOST_BYTES
    };
    let properties: Vec<Value> =
        entity_type.properties.iter().map(described_property).take_while(&mut fits).collect();
    let navigation = |navigation: &odata::model::Navigation| {
        let target = target_of(&model, navigation);
        json!({"name": navigation.name, "entity": target, "many": navigation.collection})
    };
    let navigations: Vec<Value> =
        entity_type.navigations.iter().map(navigation).take_while(&mut fits).collect();
    let is_truncated =
        properties.len() < entity_type.properties.len() || navigations.len() < entity_type.navigations.len();
    let rows = properties.len();
    let key: Vec<&str> =
        entity_type.key.iter().map(|index| entity_type.properties[*index].name.as_str()).collect();
    let structured = json!({
        "entity": entity_type.name,
        "key": key,
        "properties": properties,
        "navigations": navigations,
        "filters": examples(entity_type),
        "truncated": is_truncated,
    });
    Ok(Answer { structured: structured.to_string(), rows })
}

fn target_of<'m>(model: &'m Model, navigation: &odata::model::Navigation) -> &'m str {
    model.entity_types.get(navigation.target).map_or("", |target| &target.name)
}

fn described_property(property: &Property) -> Value {
    let mut described =
        json!({"name": property.name, "type": property.ty.name(), "nullable": property.nullable});
    if let EdmType::String { max_length: Some(length) } = property.ty {
        described["maxLength"] = length.into();
    }
    described
}

/// A filter for the first property of each kind.
fn examples(entity_type: &EntityType) -> Vec<String> {
    let first = |fits: fn(EdmType) -> bool, write: fn(&str) -> String| {
        let property = entity_type.properties.iter().find(|property| fits(property.ty));
        property.map(|property| write(&property.name))
    };
    let is_number = |ty| {
        use EdmType::{Byte, Decimal, Double, Int16, Int32, Int64, SByte, Single};
        matches!(ty, Byte | SByte | Int16 | Int32 | Int64 | Decimal { .. } | Single | Double)
    };
    let examples = [
        first(|ty| matches!(ty, EdmType::String { .. }), |name| format!("contains({name},'text')")),
        first(is_number, |name| format!("{name} ge 10")),
        first(|ty| ty == EdmType::Date, |name| format!("{name} ge 2024-05-01")),
        first(|ty| ty == EdmType::DateTimeOffset, |name| format!("{name} ge 2024-05-01T00:00:00Z")),
        first(|ty| ty == EdmType::Boolean, |name| format!("{name} eq true")),
    ];
    examples.into_iter().flatten().take(3).collect()
}

//! The metadata document: the model as CSDL, in XML and in JSON.
//!
//! Its version is 4.0, which every client supports; nothing in it needs more. Unsupported features are
//! declared with the terms of `Org.OData.Capabilities.V1`, and transformations with those of `Org.OData.Aggregation.V1`. A name that was changed keeps its original in the
//! term `OriginalName`, which the document defines itself.

mod aggregation;
mod json;
mod writer;
mod xml;

use crate::edm_type::EdmType;
use crate::model::compile::CONTAINER;
use crate::model::document::RuleAction;
use crate::model::{EntityType, Model, Navigation, Property, Supply};
use crate::syntax::MAX_EXPAND_DEPTH;
use crate::tree::function;
use json::Json;
use writer::Writer;
use xml::Xml;

/// The namespace of our own terms.
const VOCABULARY: &str = "Sluicegate.V1";
const ORIGINAL_NAME: &str = "Sluicegate.V1.OriginalName";
const CAPABILITIES: &str = "Org.OData.Capabilities.V1";
const VOCABULARIES: &str = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies";

/// What navigation properties to many have in a filter, besides functions.
const LAMBDA_OPERATORS: [&str; 2] = ["any", "all"];

/// Writes the metadata document of a model
/// ([OData CSDL XML 4.01](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html)).
pub fn xml(model: &Model) -> Vec<u8> {
    write(Writer::Xml(Xml::new()), model)
}

/// Writes the metadata document of a model
/// ([OData CSDL JSON 4.01](https://docs.oasis-open.org/odata/odata-csdl-json/v4.01/odata-csdl-json-v4.01.html)).
pub fn json(model: &Model) -> Vec<u8> {
    write(Writer::Json(Json::new(format!("{}.{CONTAINER}", model.namespace))), model)
}

fn write(mut xml: Writer, model: &Model) -> Vec<u8> {
    let edmx = "http://docs.oasis-open.org/odata/ns/edmx";
    xml.open("edmx:Edmx", &[("xmlns:edmx", edmx), ("Version", "4.0")]);
    for vocabulary in ["Org.OData.Core.V1", CAPABILITIES, aggregation::VOCABULARY] {
        xml.open("edmx:Reference", &[("Uri", &format!("{VOCABULARIES}/{vocabulary}.xml"))]);
        xml.leaf("edmx:Include", &[("Namespace", vocabulary)]);
        xml.close("edmx:Reference");
    }
    xml.open("edmx:DataServices", &[]);
    let edm = "http://docs.oasis-open.org/odata/ns/edm";
    xml.open("Schema", &[("xmlns", edm), ("Namespace", &model.namespace)]);
    for entity_type in &model.entity_types {
        write_type(&mut xml, model, entity_type);
    }
    xml.open("EntityContainer", &[("Name", CONTAINER)]);
    for entity_type in &model.entity_types {
        write_set(&mut xml, model, entity_type);
    }
    write_capabilities(&mut xml);
    xml.close("EntityContainer");
    xml.close("Schema");
    xml.open("Schema", &[("xmlns", edm), ("Namespace", VOCABULARY)]);
    let applies = "EntitySet Property";
    xml.leaf(
        "Term",
        &[("Name", "OriginalName"), ("Type", "Edm.String"), ("AppliesTo", applies), ("Nullable", "false")],
    );
    xml.close("Schema");
    xml.close("edmx:DataServices");
    xml.close("edmx:Edmx");
    xml.finish()
}

fn write_type(xml: &mut Writer, model: &Model, entity_type: &EntityType) {
    xml.open("EntityType", &[("Name", &entity_type.type_name)]);
    xml.open("Key", &[]);
    for property in &entity_type.key {
        xml.leaf("PropertyRef", &[("Name", &entity_type.properties[*property].name)]);
    }
    xml.close("Key");
    for (index, property) in entity_type.properties.iter().enumerate() {
        let supply = entity_type.changes.as_ref().and_then(|supplies| supplies.get(index));
        write_property(xml, property, supply);
    }
    for navigation in &entity_type.navigations {
        write_navigation(xml, model, entity_type, navigation);
    }
    xml.close("EntityType");
}

fn write_property(xml: &mut Writer, property: &Property, supply: Option<&Supply>) {
    let mut attributes = vec![("Name", property.name.clone()), ("Type", property.ty.name().to_owned())];
    if !property.nullable {
        attributes.push(("Nullable", "false".to_owned()));
    }
    match property.ty {
        EdmType::Decimal { precision, scale } => {
            attributes.extend(precision.map(|precision| ("Precision", precision.to_string())));
            // Without the facet, the scale would be zero.
            attributes
                .push(("Scale", scale.map_or_else(|| "variable".to_owned(), |scale| scale.to_string())));
        }
        EdmType::String { max_length: Some(length) } => attributes.push(("MaxLength", length.to_string())),
        // Without the facet, seconds would have no fraction.
        EdmType::DateTimeOffset | EdmType::TimeOfDay | EdmType::Duration => {
            attributes.push(("Precision", property.storage.fraction.unwrap_or(12).to_string()));
        }
        _ => {}
    }
    let attributes: Vec<(&str, &str)> =
        attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let supplied = match supply {
        Some(Supply::Database) => Some("Org.OData.Core.V1.Computed"),
        Some(Supply::Default(_) | Supply::Number) => Some("Org.OData.Core.V1.ComputedDefaultValue"),
        Some(Supply::Statement) | None => None,
    };
    let is_renamed = property.name != property.column;
    if !is_renamed && supplied.is_none() {
        return xml.leaf("Property", &attributes);
    }
    xml.open("Property", &attributes);
    if is_renamed {
        xml.leaf("Annotation", &[("Term", ORIGINAL_NAME), ("String", &property.column)]);
    }
    if let Some(term) = supplied {
        xml.leaf("Annotation", &[("Term", term), ("Bool", "true")]);
    }
    xml.close("Property");
}

fn write_navigation(xml: &mut Writer, model: &Model, source: &EntityType, navigation: &Navigation) {
    let target = &model.entity_types[navigation.target];
    let name = format!("{}.{}", model.namespace, target.type_name);
    let ty = if navigation.collection { format!("Collection({name})") } else { name };
    let mut attributes = vec![("Name", navigation.name.as_str()), ("Type", &ty)];
    // A collection is never null.
    if !navigation.collection && navigation.on.iter().all(|(own, _)| !source.properties[*own].nullable) {
        attributes.push(("Nullable", "false"));
    }
    attributes.push(("Partner", &navigation.partner));
    if navigation.collection {
        return xml.leaf("NavigationProperty", &attributes);
    }
    xml.open("NavigationProperty", &attributes);
    for (own, other) in &navigation.on {
        let referenced = &target.properties[*other].name;
        let constraint =
            [("Property", source.properties[*own].name.as_str()), ("ReferencedProperty", referenced)];
        xml.leaf("ReferentialConstraint", &constraint);
    }
    xml.close("NavigationProperty");
}

fn write_set(xml: &mut Writer, model: &Model, entity_type: &EntityType) {
    let ty = format!("{}.{}", model.namespace, entity_type.type_name);
    xml.open("EntitySet", &[("Name", &entity_type.name), ("EntityType", &ty)]);
    for navigation in &entity_type.navigations {
        let target = &model.entity_types[navigation.target].name;
        xml.leaf("NavigationPropertyBinding", &[("Path", &navigation.name), ("Target", target)]);
    }
    let original = entity_type.full_table_name();
    if entity_type.name != original {
        xml.leaf("Annotation", &[("Term", ORIGINAL_NAME), ("String", &original)]);
    }
    let may = |action| entity_type.changes.is_some() && entity_type.allowed_changes.allows(action);
    for (term, property, allowed) in [
        ("CountRestrictions", "Countable", true),
        ("SearchRestrictions", "Searchable", !entity_type.searchable.is_empty()),
        ("InsertRestrictions", "Insertable", may(RuleAction::Insert)),
        ("UpdateRestrictions", "Updatable", may(RuleAction::Update)),
        ("DeleteRestrictions", "Deletable", may(RuleAction::Delete)),
    ] {
        write_record(xml, term, property, ("Bool", if allowed { "true" } else { "false" }));
    }
    if may(RuleAction::Insert) {
        write_record(xml, "DeepInsertSupport", "Supported", ("Bool", "true"));
    }
    if may(RuleAction::Update) {
        write_record(xml, "DeepUpdateSupport", "Supported", ("Bool", "true"));
    }
    let levels = MAX_EXPAND_DEPTH.to_string();
    write_properties(
        xml,
        "ExpandRestrictions",
        &[("Expandable", ("Bool", "true")), ("MaxLevels", ("Int", &levels))],
    );
    aggregation::write_support(xml);
    xml.close("EntitySet");
}

fn write_record(xml: &mut Writer, term: &str, property: &str, value: (&str, &str)) {
    write_properties(xml, term, &[(property, value)]);
}

fn write_properties(xml: &mut Writer, term: &str, properties: &[(&str, (&str, &str))]) {
    xml.open("Annotation", &[("Term", &format!("{CAPABILITIES}.{term}"))]);
    xml.open("Record", &[]);
    for (property, value) in properties {
        xml.leaf("PropertyValue", &[("Property", property), *value]);
    }
    xml.close("Record");
    xml.close("Annotation");
}

/// Writes the capabilities of all entity sets.
fn write_capabilities(xml: &mut Writer) {
    xml.leaf("Annotation", &[("Term", "Org.OData.Core.V1.ODataVersions"), ("String", "4.0 4.01")]);
    xml.leaf(
        "Annotation",
        &[
            ("Term", &format!("{CAPABILITIES}.ConformanceLevel")),
            ("EnumMember", "Org.OData.Capabilities.V1.ConformanceLevelType/Minimal"),
        ],
    );
    for (term, supported) in [
        ("AnnotationValuesInQuerySupported", "false"),
        // This is about the preference `respond-async`, not about concurrent requests.
        ("AsynchronousRequestsSupported", "false"),
        ("BatchSupported", "true"),
        ("ComputeSupported", "true"),
        ("CrossJoinSupported", "true"),
        ("KeyAsSegmentSupported", "false"),
        ("QuerySegmentSupported", "true"),
        ("SkipSupported", "true"),
        ("TopSupported", "true"),
    ] {
        xml.leaf("Annotation", &[("Term", &format!("{CAPABILITIES}.{term}")), ("Bool", supported)]);
    }
    let batch = [
        ("Supported", "true"),
        ("ReferencesInRequestBodiesSupported", "true"),
        ("ReferencesAcrossChangeSetsSupported", "true"),
        ("EtagReferencesSupported", "true"),
        ("RequestDependencyConditionsSupported", "false"),
    ];
    write_properties(
        xml,
        "BatchSupport",
        &batch.map(|(property, supported)| (property, ("Bool", supported))),
    );
    write_record(xml, "SelectSupport", "Supported", ("Bool", "true"));
    xml.open("Annotation", &[("Term", &format!("{CAPABILITIES}.FilterFunctions"))]);
    xml.open("Collection", &[]);
    for name in function::names().chain(LAMBDA_OPERATORS) {
        xml.element("String", name);
    }
    xml.close("Collection");
    xml.close("Annotation");
}

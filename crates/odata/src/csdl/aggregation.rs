//! What an entity set supports of `$apply`, in the terms of [OData Data Aggregation 4.0
//! §5](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#VocabularyforDataAggregation).

use super::writer::Writer;
use crate::syntax::apply::SUPPORTED;

pub(super) const VOCABULARY: &str = "Org.OData.Aggregation.V1";

/// Writes the transformations that apply to an entity set. Without a list of properties, all can be grouped by and
/// aggregated.
pub(super) fn write_support(xml: &mut Writer) {
    xml.open("Annotation", &[("Term", &format!("{VOCABULARY}.ApplySupported"))]);
    xml.open("Record", &[]);
    xml.open("PropertyValue", &[("Property", "Transformations")]);
    xml.open("Collection", &[]);
    for name in SUPPORTED {
        xml.element("String", name);
    }
    xml.close("Collection");
    xml.close("PropertyValue");
    let rollup = format!("{VOCABULARY}.RollupType/MultipleHierarchies");
    xml.leaf("PropertyValue", &[("Property", "Rollup"), ("EnumMember", &rollup)]);
    xml.leaf("PropertyValue", &[("Property", "From"), ("Bool", "false")]);
    xml.close("Record");
    xml.close("Annotation");
}

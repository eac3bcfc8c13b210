//! Values as the columns of SQLite store them.

use crate::cell::Value;
use crate::error::Reason;
use crate::model::{EntityType, Property};
use crate::sql::Writer;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::new_value::{NewValue, NewValues};
use crate::tree::typed::Constant;

/// The subquery with the defaults, which no column of the table is in the scope of.
const DEFAULTS: &str = "sluicegate_defaults";

/// The value to store for a constant, in the layout of the column if possible; `None` if it would come back as another one.
pub(super) fn stored(property: &Property, constant: &Constant) -> Option<Value> {
    let value = super::value(constant);
    if let (Constant::Decimal(text), Value::Real(stored)) = (constant, &value)
        && stored.to_string() != *text
    {
        return None;
    }
    property.reading().assigned(property.storage.layout, &value)
}

/// Writes the default of a column, which the [subquery](evaluated_defaults) returns.
pub(super) fn default(writer: &mut Writer<'_>, column: ScanColumn, expression: Option<&str>) {
    let property = writer.property(column);
    if expression.is_none() {
        return writer.refuse(Reason::NotImplemented(format!("the default of {}", property.name)));
    }
    let label = label(writer.entity_type(column.scan), column.property);
    writer.text(DEFAULTS);
    writer.text(".");
    writer.rules.identifier(&mut writer.sql, &label);
}

/// Writes a subquery that evaluates the defaults. An expression is what a table declares, so it must not become part of the statement where
/// a word in it would be the name of a column.
pub(super) fn evaluated_defaults(writer: &mut Writer<'_>, values: &NewValues<'_>) {
    let mut word = " FROM (SELECT ";
    for (property, value) in values {
        let NewValue::Default(Some(expression)) = &**value else { continue };
        writer.text(std::mem::replace(&mut word, ", "));
        writer.text("(");
        writer.text(expression);
        // It may end with a comment.
        writer.text("\n) AS ");
        let label = label(writer.entity_type(ScanId::FIRST), *property);
        writer.rules.identifier(&mut writer.sql, &label);
    }
    if word == ", " {
        writer.text(") AS ");
        writer.text(DEFAULTS);
    }
}

/// The name of a default in the subquery: no column of the table has it.
fn label(entity_type: &EntityType, property: usize) -> String {
    let mut label = format!("default{property}");
    while entity_type.properties.iter().any(|property| property.column.eq_ignore_ascii_case(&label)) {
        label.push('_');
    }
    label
}

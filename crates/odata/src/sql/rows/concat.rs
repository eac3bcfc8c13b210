//! The rows of several nodes as one subquery.

use super::Rows;
use crate::sql::Writer;
use crate::tree::class::Class;
use crate::tree::concat::Concat;

/// Writes the rows of all parts. Their columns are called by their position.
pub(super) fn subquery(writer: &mut Writer<'_>, concat: &Concat<'_>) {
    writer.text("(");
    for (number, part) in concat.parts.iter().enumerate() {
        if writer.is_full() {
            return;
        }
        let rows = Rows::of(&part.input);
        let outside = std::mem::replace(&mut writer.taken, rows.taken());
        writer.text(if number == 0 { "SELECT " } else { " UNION ALL SELECT " });
        for (property, value) in part.values.iter().enumerate() {
            if let Some(value) = value {
                writer.operand(value);
            } else {
                let class = Class::from(concat.entity_type.properties[property].ty);
                writer.text(writer.rules.null_of(class));
            }
            writer.text(" AS ");
            writer.name(concat.id.column(property));
            writer.text(", ");
        }
        writer.text(itoa::Buffer::new().format(number));
        writer.text(" AS ");
        writer.name(concat.id.column(part.values.len()));
        rows.from(writer);
        rows.conditions(writer, |_| {});
        writer.taken = outside;
    }
    writer.text(")");
    writer.rules.alias(&mut writer.sql, concat.id);
}

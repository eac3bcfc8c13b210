//! Casts, by functions of ours.

use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::cast::Cast;
use crate::tree::class::Class;
use crate::tree::typed::Typed;

pub(super) fn write(writer: &mut Writer<'_>, operand: &Typed, cast: Cast) {
    let before = match (cast, operand.class) {
        (Cast::Text, Class::Boolean) => "sluicegate_boolean_text(",
        (Cast::Text, Class::DateTimeOffset) => "sluicegate_instant_text(",
        (Cast::Text, _) => "sluicegate_text(",
        (Cast::Whole, _) => "sluicegate_read_whole(",
        (Cast::Boolean, _) => "sluicegate_read_boolean(",
    };
    around(writer, before, [operand], "", ")");
}

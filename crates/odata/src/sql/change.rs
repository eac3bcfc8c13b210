//! Statements that insert, update and delete rows.

use super::rows::has_key;
use super::{Dialect, Writer, ruled};
use crate::error::{Error, Reason};
use crate::model::{EntityType, Supply};
use crate::statement::Statement;
use crate::tree::Scan;
use crate::tree::column::ScanId;
use crate::tree::new_value::{NewValue, NewValues};
use crate::tree::typed::{Comparison, Typed};

/// How a new row is inserted, and how its key is found.
pub(crate) struct Insertion {
    /// Inserts the row. If nothing else finds its key, it returns the key.
    pub(crate) insert: Statement,
    /// Returns the key of the row.
    pub(crate) find: Option<Statement>,
}

/// The statements that insert a row with these values.
pub(crate) fn insert(
    dialect: Dialect,
    entity_type: &EntityType,
    values: &NewValues<'_>,
) -> Result<Insertion, Error> {
    let mut writer = Writer::changing_table(dialect, entity_type);
    writer.text("INSERT");
    never_replacing(&mut writer, entity_type);
    writer.text(" INTO ");
    writer.whole_table(entity_type);
    if values.is_empty() {
        writer.text(writer.rules.row_of_defaults());
    } else {
        for (index, (property, _)) in values.iter().enumerate() {
            writer.text(if index == 0 { " (" } else { ", " });
            writer.name(ScanId::FIRST.column(*property));
        }
        writer.text(") VALUES (");
        for (index, (property, value)) in values.iter().enumerate() {
            writer.text(if index == 0 { "" } else { ", " });
            assigned(&mut writer, *property, value)?;
        }
        writer.text(")");
    }
    let Some(number) = writer.rules.generated_number() else {
        writer.text(" RETURNING ");
        key(&mut writer);
        return Ok(Insertion { insert: writer.changing(entity_type.key.len())?, find: None });
    };
    let find = Some(inserted(dialect, entity_type, values, number)?);
    Ok(Insertion { insert: writer.changing(0)?, find })
}

/// The statement that returns the key of the row that was inserted with these values. `number` is what the database has
/// generated.
fn inserted(
    dialect: Dialect,
    entity_type: &EntityType,
    values: &NewValues<'_>,
    number: &str,
) -> Result<Statement, Error> {
    let mut writer = Writer::changing_table(dialect, entity_type);
    writer.text("SELECT ");
    key(&mut writer);
    writer.text(" FROM ");
    writer.whole_table(entity_type);
    let (mut given, mut generated) = (Vec::with_capacity(entity_type.key.len()), None);
    for property in &entity_type.key {
        let described = &entity_type.properties[*property];
        let column = ScanId::FIRST.column(*property);
        let given_value = values.iter().find(|(index, _)| index == property).map(|(_, value)| &**value);
        match given_value {
            Some(NewValue::Value(value)) => {
                let column = Typed::column(column, described);
                given.push(Typed::compare(Comparison::Eq, column, Typed::constant(value.clone())));
            }
            None if generated.is_none() && is_counted(entity_type, *property) => generated = Some(column),
            // Nothing says which value the database has given it.
            _ => return Err(Reason::PropertyMissing(described.name.clone()).at("body", 0)),
        }
    }
    writer.text(" WHERE ");
    has_key(&mut writer, &given);
    if let Some(column) = generated {
        writer.text(if given.is_empty() { "" } else { " AND " });
        writer.column(column);
        writer.text(" = ");
        writer.text(number);
    }
    writer.changing(entity_type.key.len())
}

/// Whether the database counts up the values of a property.
fn is_counted(entity_type: &EntityType, property: usize) -> bool {
    let supplies = entity_type.changes.as_deref().unwrap_or_default();
    supplies.get(property) == Some(&Supply::Number)
}

/// The statements that set these values of the entity with a key, in the order in which they are tried until one changes a row. The
/// key must be the address of one row.
pub(crate) fn update(
    dialect: Dialect,
    scan: &Scan<'_>,
    values: &NewValues<'_>,
) -> Result<Vec<Statement>, Error> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    of_row(dialect, scan, |writer| {
        writer.text("UPDATE");
        never_replacing(writer, scan.entity_type);
        writer.text(" ");
        writer.whole_table(scan.entity_type);
        for (index, (property, value)) in values.iter().enumerate() {
            writer.text(if index == 0 { " SET " } else { ", " });
            writer.name(scan.id.column(*property));
            writer.text(" = ");
            assigned(writer, *property, value)?;
        }
        writer.rules.evaluated_defaults(writer, values);
        Ok(())
    })
}

/// The statements that delete the entity with a key, likewise.
pub(crate) fn delete(dialect: Dialect, scan: &Scan<'_>) -> Result<Vec<Statement>, Error> {
    of_row(dialect, scan, |writer| {
        writer.text("DELETE FROM ");
        writer.whole_table(scan.entity_type);
        Ok(())
    })
}

/// Statements that begin alike, for the row whose key has the usual layout, and for the only one with another layout.
fn of_row(
    dialect: Dialect,
    scan: &Scan<'_>,
    begin: impl Fn(&mut Writer<'_>) -> Result<(), Error>,
) -> Result<Vec<Statement>, Error> {
    let entity_type = scan.entity_type;
    let returning = if dialect.rules().generated_number().is_none() { " RETURNING 1" } else { "" };
    let columns = usize::from(!returning.is_empty());
    let mut statements = Vec::new();
    let mut writer = Writer::changing_table(dialect, entity_type);
    begin(&mut writer)?;
    writer.text(" WHERE ");
    let has_common = writer.rules.has_common_key(&mut writer, scan.id, &scan.key);
    if has_common {
        reached(&mut writer, entity_type);
        writer.text(returning);
        statements.push(writer.changing(columns)?);
    }
    let may_be_uncommon = dialect.rules().may_have_uncommon_key(entity_type, &scan.key);
    // Without a result, nobody would know whether the first one has found the row.
    if !has_common || (may_be_uncommon && columns > 0) {
        let mut writer = Writer::changing_table(dialect, entity_type);
        begin(&mut writer)?;
        writer.text(" WHERE ");
        has_key(&mut writer, &scan.key);
        reached(&mut writer, entity_type);
        writer.text(returning);
        statements.push(writer.changing(columns)?);
    }
    Ok(statements)
}

/// Writes that a row which has the values of another is refused, if the table itself may say otherwise: a row that is only to be
/// inserted or changed must not delete another, which the caller may not even see.
fn never_replacing(writer: &mut Writer<'_>, entity_type: &EntityType) {
    if entity_type.may_replace {
        writer.text(writer.rules.never_replacing());
    }
}

/// Writes a further condition that the caller reaches the row.
fn reached<'m>(writer: &mut Writer<'m>, entity_type: &'m EntityType) {
    if let Some(rule) = &entity_type.rule {
        ruled::and_reached(writer, rule);
    }
}

fn assigned(writer: &mut Writer<'_>, property: usize, value: &NewValue) -> Result<(), Error> {
    let column = ScanId::FIRST.column(property);
    match value {
        NewValue::Null => writer.text("NULL"),
        NewValue::Default(expression) => writer.rules.assigned_default(writer, column, expression.as_deref()),
        NewValue::Value(constant) => {
            let property = writer.property(column);
            let unstorable = || Reason::NotStorable(property.name.clone()).at("body", 0);
            let value = writer.rules.assigned(property, constant).ok_or_else(unstorable)?;
            writer.parameter(value);
        }
    }
    Ok(())
}

/// Writes the columns of the key to be read.
fn key(writer: &mut Writer<'_>) {
    super::keys::values(writer, ScanId::FIRST, |writer, column| writer.rules.read(writer, column));
}

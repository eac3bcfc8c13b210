//! Surveys the data: how each column stores its values, and which cells do not fit.
//!
//! No later response depends on how much was examined: a cell that does not fit is null whenever it is read.
//! The survey determines the form of numbers in a column of dates, the usual way to store a key, and the
//! findings.

use std::time::Duration;

use odata::edm_type::EdmType;
use odata::form::{ColumnSurvey, Form, Layout, Reading, Survey};
use odata::model::{Column, Finding, Findings, Table};

use super::cell::cell;
use super::connection::OpenConnection;
use super::identifier::quoted;
use super::options::Forms;
use crate::options::FORMS;
use crate::{Deadline, Described, SourceError};

/// The time to survey all tables of a source, and a single table.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_FOR_ONE: Duration = Duration::from_millis(500);

/// This many GUIDs in the same form are taken for the rule.
const RULE: u64 = 1_000;

/// The deadline for surveying tables.
pub(super) fn until() -> Deadline {
    Deadline::after(PATIENCE)
}

/// Reports declarations that name nothing.
pub(super) fn refuse_strays(forms: &Forms, described: &mut Described) {
    for (table, columns) in forms {
        let found = described.schema.tables.iter().find(|known| known.name.eq_ignore_ascii_case(table));
        for column in columns.keys() {
            let is_there = found.is_some_and(|table| {
                table.columns.iter().any(|known| known.name.eq_ignore_ascii_case(column))
            });
            if !is_there {
                let message = "a storage form is declared for it, but no such column is served".to_owned();
                described.refused.push((FORMS, Finding { subject: format!("{table}.{column}"), message }));
            }
        }
    }
}

/// Gives each column the form that the owner declares; returns which columns have one.
pub(super) fn declare(forms: &Forms, table: &mut Table) -> Vec<usize> {
    let declared = forms.iter().find(|(name, _)| name.eq_ignore_ascii_case(&table.name));
    let Some((_, declared)) = declared else { return Vec::new() };
    let mut with_form = Vec::new();
    for (index, column) in table.columns.iter_mut().enumerate() {
        let form = declared.iter().find(|(name, _)| name.eq_ignore_ascii_case(&column.name));
        if let Some(reading) = form.and_then(|(_, form)| Form::declared(form, column.ty)) {
            column.storage.is_guaranteed &= reading.ty == column.ty;
            column.ty = reading.ty;
            column.storage.form = reading.form;
            with_form.push(index);
        }
    }
    with_form
}

/// Examines as many rows of a table as time allows.
pub(super) fn examine(
    connection: &OpenConnection,
    table: &mut Table,
    declared: &[usize],
    until: Deadline,
    findings: &mut Vec<Finding>,
) -> Result<(), SourceError> {
    let examined: Vec<usize> =
        (0..table.columns.len()).filter(|index| is_examined(&table.columns[*index])).collect();
    let patience = until.remaining().min(PATIENCE_FOR_ONE);
    if examined.is_empty() {
        return Ok(());
    }
    if patience.is_zero() {
        for index in examined {
            table.columns[index].storage.found = Some(Findings::default());
        }
        return Ok(());
    }
    let mut surveys: Vec<Survey> = examined
        .iter()
        .map(|index| &table.columns[*index])
        .map(|column| Survey::of(Reading { ty: column.ty, form: column.storage.form }))
        .collect();
    let sql = select(table, &examined);
    connection.allow_row(table.columns.len())?;
    let all = connection.within(patience, || read(connection, &sql, &mut surveys))?.is_ok();
    for (index, survey) in examined.into_iter().zip(surveys) {
        let found = survey.found();
        let column = &mut table.columns[index];
        if !declared.contains(&index)
            && let Some(what) = meaning(found.form).filter(|_| found.form != column.storage.form)
        {
            findings.push(Finding {
                subject: format!("{}.{}", table.name, column.name),
                message: format!(
                    "its numbers are read as {what}; the option storageForms can declare another form"
                ),
            });
        }
        // No row may be omitted because its key has a different layout than the examined ones.
        let in_key = table.primary_key.contains(&column.name);
        column.storage.form = if in_key { found.form } else { strict(column.ty, &found) };
        column.storage.layout = found.layout;
        // A file may contain nulls, and cells that are read as null, in spite of its own declarations.
        let nulls = if column.nullable { 0 } else { found.nulls };
        let invalid_values = found.invalid_values + nulls;
        column.storage.found = Some(Findings { all, invalid_values, strays: found.strays });
    }
    Ok(())
}

/// Whether a column may contain something that its type or its declaration rules out.
fn is_examined(column: &Column) -> bool {
    !column.storage.is_guaranteed || (!column.nullable && column.storage != super::storage::of_row_number())
}

/// For text and bytes, which may be long and fit anyway, the storage class suffices.
fn select(table: &Table, examined: &[usize]) -> String {
    let columns: Vec<String> = examined
        .iter()
        .map(|index| &table.columns[*index])
        .map(|column| {
            let name = quoted(&column.name);
            let is_key = table.primary_key.contains(&column.name);
            if matches!(column.ty, EdmType::String { .. } | EdmType::Binary) && !is_key {
                format!("CASE typeof({name}) WHEN 'text' THEN '' WHEN 'blob' THEN x'' ELSE {name} END")
            } else {
                name
            }
        })
        .collect();
    format!("SELECT {} FROM {}", columns.join(", "), quoted(&table.name))
}

fn read(connection: &OpenConnection, sql: &str, surveys: &mut [Survey]) -> Result<(), SourceError> {
    let fail = |error: rusqlite::Error| connection.failure(&error);
    let mut statement = connection.sqlite().prepare(sql).map_err(fail)?;
    let mut rows = statement.query([]).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        for (at, survey) in surveys.iter_mut().enumerate() {
            survey.examine(cell(row.get_ref(at).map_err(fail)?));
        }
    }
    Ok(())
}

/// The meaning of numbers in a column of dates, if it has any.
fn meaning(form: Form) -> Option<&'static str> {
    match form {
        Form::UnixSeconds => Some("seconds since 1970"),
        Form::UnixMilliseconds => Some("milliseconds since 1970"),
        Form::UnixMicroseconds => Some("microseconds since 1970"),
        Form::JulianDay => Some("Julian days"),
        _ => None,
    }
}

/// The form that was found, or a narrower one that many GUIDs in the same form suggest.
fn strict(ty: EdmType, found: &ColumnSurvey) -> Form {
    let is_rule =
        found.fits >= RULE && found.invalid_values == 0 && found.strays == 0 && found.layout != Layout::NONE;
    if ty == EdmType::Guid && found.form == Form::Canonical && is_rule {
        return Form::of_guids(found.layout);
    }
    found.form
}

//! The columns of a table, with the types as which they are served.

use odata::edm_type::EdmType;
use odata::form::{Form, Layout};
use odata::model::{Collation, Column, Finding, Storage};

use super::catalog::{Catalog, CatalogColumn, Index, Relation, TextOrder};
use super::served_type::{Served, fraction, served};

/// The maximum number of domains over domains.
const MOST_DOMAINS: usize = 32;

/// The columns that the user may read. The catalog gives them up.
pub(super) fn of(relation: &Relation, catalog: &mut Catalog, findings: &mut Vec<Finding>) -> Vec<Column> {
    let found = catalog.columns.get(&relation.oid).cloned().unwrap_or_default();
    let mut columns = Vec::with_capacity(found.len());
    for column in found {
        if column.is_readable {
            columns.push(read(column, relation, catalog));
        } else {
            let message = "omitted, because the user of the data source may not read it".to_owned();
            findings.push(Finding { subject: format!("{}.{}", relation.full_name(), column.name), message });
        }
    }
    columns
}

fn read(column: CatalogColumn, relation: &Relation, catalog: &Catalog) -> Column {
    let column = without_domains(column, catalog);
    let Served { ty, form, is_guaranteed } = served(column.ty, column.modifier);
    let is_text = matches!(ty, EdmType::String { .. });
    let collation = match column.collation {
        TextOrder::Loose if is_text => Collation::Unknown,
        TextOrder::Linguistic if is_text && form != Form::Converted => Collation::Linguistic,
        _ => Collation::Binary,
    };
    let indexes = catalog.indexes.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
    let leads = |index: &Index| index.is_ordered && index.columns.first() == Some(&column.number);
    let index = (form != Form::Converted && indexes.iter().any(leads)).then_some(collation);
    let storage = Storage {
        form,
        layout: Layout::PLAIN,
        is_guaranteed,
        is_textual: is_text,
        is_numeric: false,
        collation,
        index,
        fraction: fraction(column.ty, column.modifier),
        found: None,
    };
    Column { name: column.name, ty, nullable: !column.is_required, storage }
}

/// The same column with the type under its domains.
fn without_domains(mut column: CatalogColumn, catalog: &Catalog) -> CatalogColumn {
    for _ in 0..MOST_DOMAINS {
        let Some(domain) = catalog.domains.get(&column.ty) else { break };
        column.ty = domain.base;
        column.is_required |= domain.is_required;
        if column.modifier < 0 {
            column.modifier = domain.modifier;
        }
    }
    column
}

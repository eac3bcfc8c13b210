//! `sluicegate data-source tables`.

use serde_json::json;

use super::arguments::ShowOne;
use super::find;
use crate::bootstrap::OpenedInstallation;
use crate::cli::users::actor;
use crate::messages::of_data_source;
use crate::terminal::{show_json, table};

/// Shows the tables of a database, as it describes them now, with the types as which their columns can be served.
pub(super) async fn run(opened: &OpenedInstallation, one: &ShowOne) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &one.name).await?.record.id;
    let structure = opened.app.data_sources().structure(&actor, id, &opened.origin).await;
    let tables = structure.map_err(of_data_source)?.tables;
    if one.shown.json {
        let shown = tables.iter().map(|table| {
            let columns = table.columns.iter().map(|column| {
                json!({ "name": column.name, "dataType": column.ty.name(), "nullable": column.nullable })
            });
            json!({
                "schema": table.schema,
                "name": table.name,
                "columns": columns.collect::<Vec<_>>(),
                "primaryKeys": table.primary_key,
            })
        });
        show_json(&json!({ "tables": shown.collect::<Vec<_>>() }));
    } else {
        let rows = tables.iter().flat_map(|table| {
            table.columns.iter().map(|column| {
                let place = table.primary_key.iter().position(|name| *name == column.name);
                let key = place.map_or_else(String::new, |place| (place + 1).to_string());
                vec![table.full_name(), column.name.clone(), column.ty.name().to_owned(), key]
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        table(&["TABLE", "COLUMN", "TYPE", "KEY"], &rows);
    }
    Ok(())
}

//! `/api/mgmt/datasources/{id}/schemas`: the structure of the database, from which an owner chooses what to serve.

use std::collections::BTreeSet;

use app::management::data_sources::DataSourceService;
use axum::response::Response;
use domain::id::DataSourceId;
use http::StatusCode;
use odata::edm_type::EdmType;
use odata::model::{Column, Schema, Table};
use serde::Serialize;

use super::{SourcePath, problem};
use crate::errors::ManagementErrorCode;
use crate::extract::{Path, Use};
use crate::management::acting::ActingRequest;
use crate::respond::management::{ManagementProblem, json};

/// Stands for the only schema of a database without schemas.
const NO_SCHEMA: &str = "-";

/// The number of a data source and the name of a schema.
type SchemaPath = Path<(DataSourceId, String)>;

/// The number of a data source and the names of a schema and a table.
type TablePath = Path<(DataSourceId, String, String)>;

/// The names of the schemas.
pub(crate) async fn list_schemas(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let schema = structure(acting, &sources, id).await?;
    let mut names: BTreeSet<&str> = schema.tables.iter().map(schema_of).collect();
    if names.is_empty() {
        names.insert(NO_SCHEMA);
    }
    Ok(json(StatusCode::OK, &SchemasResponse { schemas: names.into_iter().map(Named::from).collect() }))
}

/// The names of the tables and views of a schema.
pub(crate) async fn list_tables(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id, schema)): SchemaPath,
) -> Result<Response, ManagementProblem> {
    let structure = structure(acting, &sources, id).await?;
    let tables = structure.tables.iter().filter(|table| schema_of(table) == schema);
    let tables = tables.map(|table| Named::from(table.name.as_str())).collect();
    Ok(json(StatusCode::OK, &TablesResponse { tables }))
}

/// A table with its columns and keys.
pub(crate) async fn table(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id, schema, name)): TablePath,
) -> Result<Response, ManagementProblem> {
    let structure = structure(acting, &sources, id).await?;
    let table = find(&structure, &schema, &name)?;
    let foreign_keys = table.foreign_keys.iter().map(|key| ForeignKeyResponse {
        columns: &key.columns,
        schema: key.target_schema.as_deref().unwrap_or(NO_SCHEMA),
        table: &key.target_table,
        // None are named if it is the primary key of that table.
        referenced_columns: match key.target_columns.as_slice() {
            [] => find(&structure, key.target_schema.as_deref().unwrap_or(NO_SCHEMA), &key.target_table)
                .map_or(&[][..], |target| &target.primary_key),
            named => named,
        },
    });
    let answer = TableResponse {
        name: &table.name,
        schema: schema_of(table),
        columns: table.columns.iter().map(ColumnResponse::from).collect(),
        primary_keys: table.primary_key.iter().map(|name| Named::from(name.as_str())).collect(),
        foreign_keys: foreign_keys.collect(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The columns of a table.
pub(crate) async fn columns(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id, schema, name)): TablePath,
) -> Result<Response, ManagementProblem> {
    let structure = structure(acting, &sources, id).await?;
    let columns = find(&structure, &schema, &name)?.columns.iter().map(ColumnResponse::from).collect();
    Ok(json(StatusCode::OK, &ColumnsResponse { columns }))
}

/// The columns of the primary key of a table, in the order of the key.
pub(crate) async fn primary_keys(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id, schema, name)): TablePath,
) -> Result<Response, ManagementProblem> {
    let structure = structure(acting, &sources, id).await?;
    let key = &find(&structure, &schema, &name)?.primary_key;
    let primary_keys = key.iter().map(|name| Named::from(name.as_str())).collect();
    Ok(json(StatusCode::OK, &PrimaryKeysResponse { primary_keys }))
}

async fn structure(
    acting: ActingRequest,
    sources: &DataSourceService,
    id: DataSourceId,
) -> Result<Schema, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    sources.structure(&actor, id, &acting.origin).await.map_err(problem(failed))
}

fn schema_of(table: &Table) -> &str {
    table.schema.as_deref().unwrap_or(NO_SCHEMA)
}

fn find<'a>(structure: &'a Schema, schema: &str, name: &str) -> Result<&'a Table, ManagementProblem> {
    let found = structure.tables.iter().find(|table| table.name == name && schema_of(table) == schema);
    found.ok_or_else(|| {
        ManagementProblem::of_status(StatusCode::NOT_FOUND, "There is no table with that name in the schema.")
    })
}

#[derive(Serialize)]
struct SchemasResponse<'a> {
    schemas: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct TablesResponse<'a> {
    tables: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct ColumnsResponse<'a> {
    columns: Vec<ColumnResponse<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrimaryKeysResponse<'a> {
    primary_keys: Vec<Named<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableResponse<'a> {
    name: &'a str,
    schema: &'a str,
    columns: Vec<ColumnResponse<'a>>,
    primary_keys: Vec<Named<'a>>,
    foreign_keys: Vec<ForeignKeyResponse<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

impl<'a> From<&'a str> for Named<'a> {
    fn from(name: &'a str) -> Self {
        Self { name }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForeignKeyResponse<'a> {
    columns: &'a [String],
    schema: &'a str,
    table: &'a str,
    referenced_columns: &'a [String],
}

/// A column with the type as which it would be served.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ColumnResponse<'a> {
    name: &'a str,
    data_type: &'static str,
    /// The characters of a text or the digits of a number, if the database declares them.
    #[serde(skip_serializing_if = "Option::is_none")]
    column_size: Option<u32>,
    /// The digits after the point, if the database declares them.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<u16>,
    nullable: bool,
}

impl<'a> From<&'a Column> for ColumnResponse<'a> {
    fn from(column: &'a Column) -> Self {
        let (column_size, scale) = match column.ty {
            EdmType::String { max_length } => (max_length, None),
            EdmType::Decimal { precision, scale } => (precision.map(u32::from), scale),
            _ => (None, None),
        };
        Self {
            name: &column.name,
            data_type: column.ty.name(),
            column_size,
            scale,
            nullable: column.nullable,
        }
    }
}

//! The statements of other dialects than that of SQLite: nothing outside a dialect writes what only one database
//! understands.

mod mysql;
mod postgres;
mod strict;
mod trees;

use super::Dialect;
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::error::{Error, Reason};
use crate::model::{Column, Model, Schema, Storage, Table, TableChanges};
use crate::plan::{self, Plan, PlanContext};
use crate::position::{Mark, Position};
use crate::statement::Statement;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::url::Url;

pub(super) use strict::Strict;

fn model() -> Model {
    let column = |(name, ty, nullable): &(&str, EdmType, bool)| Column {
        name: (*name).to_owned(),
        ty: *ty,
        nullable: *nullable,
        storage: Storage { is_guaranteed: true, ..Storage::default() },
    };
    let table = |name: &str, columns: &[(&str, EdmType, bool)], key: &[&str]| Table {
        schema: None,
        set_name: None,
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    let text = EdmType::String { max_length: None };
    let things = [
        ("Id", EdmType::Int32, false),
        ("Name", text, true),
        ("Size", EdmType::Double, false),
        ("Open", EdmType::Boolean, true),
        ("At", EdmType::DateTimeOffset, false),
        ("Day", EdmType::Date, false),
        ("Hour", EdmType::TimeOfDay, false),
    ];
    let pairs = [("A", EdmType::Int32, false), ("B", EdmType::Int32, false), ("C", EdmType::Int32, false)];
    let tables = vec![
        table("Things", &things, &["Id"]),
        table("Spans", &[("Id", EdmType::Int32, false), ("Wait", EdmType::Duration, false)], &["Id"]),
        table("Pairs", &pairs, &["A", "B"]),
        table("Words", &[("W", text, false)], &["W"]),
    ];
    Model::compile("Test", Schema { tables })
}

/// The statement for a URL, after a position if there is one.
fn statement(url: &str, position: Option<Vec<Mark>>) -> Statement {
    prepared(url, position).unwrap()
}

fn prepared(url: &str, position: Option<Vec<Mark>>) -> Result<Statement, Error> {
    prepared_for(Dialect::Strict, &model(), url, position)
}

/// The statement of a dialect for a URL.
fn prepared_for(
    dialect: Dialect,
    model: &Model,
    url: &str,
    position: Option<Vec<Mark>>,
) -> Result<Statement, Error> {
    let url = Url::read(url).unwrap();
    let position = position.map(|values| Position {
        model_version: model.version,
        shape: url.shape(),
        remaining: None,
        values,
    });
    let context = PlanContext {
        now: jiff::Timestamp::UNIX_EPOCH,
        page_size: 10,
        format: crate::format::Format::default(),
        rows: None,
        service_root: "https://host/api/odata4/test",
        position,
    };
    Ok(match plan::prepare(&url, model, &context, dialect)? {
        Plan::Entities(query) => query.statement,
        Plan::Entity(single) | Plan::Property(single) | Plan::Value(single) => single.statement,
        Plan::Count { statement, .. } => statement,
        Plan::ServiceDocument(_) | Plan::Metadata(_) => panic!("{url:?} runs no statement"),
    })
}

fn sql(url: &str) -> String {
    statement(url, None).sql
}

/// A text among the parameters.
fn text_of(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn a_page_is_limited_and_ordered_as_the_dialect_wants() {
    assert_eq!(
        sql("/Things?$select=Id&$filter=Open%20and%20not%20(Id%20in%20(1,2))&$orderby=Name%20desc&$top=3"),
        "SELECT [Id], [Name] FROM [Things] WHERE ([Open] AND ([Id] IN ($1,$2)) IS NOT TRUE) \
         ORDER BY [Name] DESC NULLS LAST, [Id] DESC OFFSET $3 ROWS FETCH NEXT $4 ROWS ONLY"
    );
}

#[test]
fn a_statement_has_no_more_parameters_and_columns_than_the_dialect_allows() {
    let of_list = |length: usize| {
        let items: Vec<String> = (0..length).map(|item| item.to_string()).collect();
        prepared(&format!("/Things/$count?$filter=Id%20in%20({})", items.join(",")), None).map(|_| ())
    };
    let of_order = |terms: &str| prepared(&format!("/Things?$orderby={terms}"), None).map(|_| ());
    let too_complex = |result: Result<(), Error>| matches!(result.unwrap_err().reason, Reason::TooComplex);
    assert_eq!(of_list(40), Ok(()));
    assert!(too_complex(of_list(41)));
    // The seven properties, and the terms of the order that are computed.
    assert_eq!(of_order("length(Name)"), Ok(()));
    assert!(too_complex(of_order("length(Name),year(Day)")));
}

#[test]
fn truth_values_are_those_of_the_dialect() {
    let filter = |filter: &str| {
        let sql = sql(&format!("/Things/$count?$filter={}", filter.replace(' ', "%20")));
        sql.strip_prefix("SELECT count(*) FROM [Things] WHERE ").unwrap().to_owned()
    };
    assert_eq!(filter("Name gt null"), "FALSE");
    assert_eq!(filter("not (Name gt null)"), "TRUE");
    assert_eq!(filter("(Name eq 'a') eq true"), "(((([Name] = $1)) IS TRUE) = TRUE)");
    assert_eq!(filter("Open or 1 div Id eq 1"), "(CASE WHEN [Open] THEN TRUE ELSE (($1 / [Id]) = $2) END)");
}

#[test]
fn pages_need_no_row_values() {
    let marks = (1..=3).map(|number| Mark::Value(Value::Integer(number))).collect();
    let after = statement("/Pairs?$orderby=C&$skiptoken=x", Some(marks)).sql;
    for condition in [
        "WHERE [C] = $1 AND [A] = $2 AND [B] > $3 ORDER",
        "WHERE [C] = $1 AND [A] > $2 ORDER",
        "WHERE [C] > $1 ORDER",
    ] {
        assert!(after.contains(condition), "{condition}: {after}");
    }
    assert_eq!(
        sql("/Pairs?$orderby=C&$skip=5"),
        "SELECT [A], [B], [C] FROM [Pairs] ORDER BY [C], [A], [B] OFFSET $1 ROWS FETCH NEXT $2 ROWS ONLY"
    );
}

#[test]
fn a_union_is_sorted_again_where_its_order_is_not_promised() {
    let text = Mark::Value(Value::Text("a".to_owned()));
    let after = statement(
        "/Things?$select=Id&$orderby=Name%20desc&$skiptoken=x",
        Some(vec![text, Mark::Value(Value::Integer(1))]),
    );
    // Null is only named where a name may be null.
    let branch = |number: usize, condition: &str, direction: &str| {
        let (skip, rows) = (number, number + 1);
        format!(
            "SELECT * FROM (SELECT [Id] AS [c0], [Name] AS [c1], [Name] AS [o0], [Id] AS [o1] FROM [Things] \
             WHERE {condition} ORDER BY [Name] {direction}, [Id] DESC \
             OFFSET ${skip} ROWS FETCH NEXT ${rows} ROWS ONLY) AS t"
        )
    };
    let equal = branch(3, "[Name] = $1 AND [Id] < $2", "DESC");
    let beyond = branch(5, "[Name] < $1", "DESC");
    let null = branch(7, "[Name] IS NULL", "DESC NULLS LAST");
    assert_eq!(
        after.sql,
        format!(
            "SELECT [c0], [c1] FROM ({equal} UNION ALL {beyond} UNION ALL {null}) AS t \
             ORDER BY [o0] DESC NULLS LAST, [o1] DESC OFFSET $9 ROWS FETCH NEXT $10 ROWS ONLY"
        )
    );
}

#[test]
fn every_subquery_has_a_name() {
    let named =
        |sql: String| assert_eq!(sql.matches("FROM (").count(), sql.matches(" AS t").count(), "{sql}");
    let text = |text: &str| Mark::Value(Value::Text(text.to_owned()));
    let pages = statement(
        "/Things?$orderby=Name%20desc&$skiptoken=x",
        Some(vec![text("a"), Mark::Value(Value::Integer(1))]),
    );
    named(pages.sql);
    named(sql("/Words('a')"));
}

#[test]
fn every_function_and_operator_reaches_the_statement() {
    let column = |class: &Class| match class {
        Class::String => "Name",
        Class::Integer => "Id",
        Class::DateTimeOffset => "At",
        Class::Date => "Day",
        Class::TimeOfDay => "Hour",
        Class::Duration => "Wait",
        class => panic!("no column of {class:?}"),
    };
    for function in Function::ALL {
        let arguments: Vec<&str> =
            function.signature().accepts.iter().map(|accepts| column(&accepts[0])).collect();
        let call = format!("{}({})", function.name(), arguments.join(","));
        let set = if arguments == ["Wait"] { "Spans" } else { "Things" };
        let sql = sql(&format!("/{set}/$count?$filter={call}%20ne%20null"));
        assert!(sql.contains(strict::name(*function)), "{call}: {sql}");
    }
    for (operator, written) in
        [("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/"), ("divby", "/"), ("mod", "%")]
    {
        let sql = sql(&format!("/Things/$count?$filter=Size%20{operator}%20Id%20gt%201"));
        assert!(sql.contains(&format!("([Size] {written} [Id])")), "{operator}: {sql}");
    }
}

//! The statements of PostgreSQL.

use super::{prepared_for, text_of};
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::{Collation, Column, Model, Schema, Storage, Table, TableChanges};
use crate::position::Mark;
use crate::sql::Dialect;
use crate::tree::function::Function;

/// A column of each type: with the name, the type, the form, and whether every stored value is one for OData.
fn model() -> Model {
    let text = EdmType::String { max_length: None };
    let any = EdmType::Decimal { precision: None, scale: None };
    let money = EdmType::Decimal { precision: Some(9), scale: Some(2) };
    let columns = [
        ("Id", EdmType::Int32, Form::Canonical, true),
        ("Name", text, Form::Canonical, true),
        ("Fixed", text, Form::Padded, true),
        ("Mood", text, Form::Converted, true),
        ("Open", EdmType::Boolean, Form::Canonical, true),
        ("Size", EdmType::Double, Form::Canonical, true),
        ("Ratio", EdmType::Single, Form::Canonical, true),
        ("Any", any, Form::Canonical, false),
        ("Price", money, Form::Canonical, false),
        ("Cash", any, Form::Converted, true),
        ("Object", EdmType::Int64, Form::Converted, true),
        ("Guid", EdmType::Guid, Form::Canonical, true),
        ("Raw", EdmType::Binary, Form::Canonical, true),
        ("Day", EdmType::Date, Form::Canonical, false),
        ("Hour", EdmType::TimeOfDay, Form::Canonical, false),
        ("At", EdmType::DateTimeOffset, Form::Canonical, false),
        ("Local", EdmType::DateTimeOffset, Form::Local, false),
        ("Wait", EdmType::Duration, Form::Canonical, false),
    ];
    let column = |(name, ty, form, is_guaranteed): &(&str, EdmType, Form, bool)| {
        let is_indexed = matches!(*name, "At" | "Size" | "Name");
        let collation = if *name == "Name" { Collation::Linguistic } else { Collation::Binary };
        let index = is_indexed.then_some(collation);
        let storage =
            Storage { form: *form, is_guaranteed: *is_guaranteed, collation, index, ..Storage::default() };
        Column { name: (*name).to_owned(), ty: *ty, nullable: *name != "Id", storage }
    };
    let table = Table {
        schema: Some("sales".to_owned()),
        set_name: None,
        name: "A \"b\"".to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: vec!["Id".to_owned()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    Model::compile("Test", Schema { tables: vec![table] })
}

const TABLE: &str = "\"sales\".\"A \"\"b\"\"\"";

fn sql(url: &str, position: Option<Vec<Mark>>) -> String {
    prepared_for(Dialect::Postgres, &model(), &format!("/A__b_{}", url.replace(' ', "%20")), position)
        .unwrap()
        .sql
}

/// What follows `WHERE`.
fn condition(filter: &str) -> String {
    let sql = sql(&format!("/$count?$filter={filter}"), None);
    let start = format!("SELECT count(*) FROM {TABLE} WHERE ");
    sql.strip_prefix(&start).unwrap_or_else(|| panic!("{sql}")).to_owned()
}

#[test]
fn constants_have_the_type_of_the_column_beside_which_an_index_serves_them() {
    for (filter, expected) in [
        ("Id eq 1", "(\"Id\" = $1)"),
        ("Id lt 1.5", "(\"Id\" <= $1)"),
        ("Id ge 1e0", "(\"Id\" >= $1)"),
        ("Name eq 'a'", "(\"Name\" = $1)"),
        ("Name gt 'a'", "(\"Name\" COLLATE \"C\" > $1)"),
        ("Name ne 'a'", "(\"Name\" IS DISTINCT FROM $1)"),
        ("Name in ('a','b')", "\"Name\" IN ($1,$2)"),
        ("Fixed eq 'a'", "(\"Fixed\" = $1::bpchar)"),
        ("Fixed eq 'a '", "((\"Fixed\"::text COLLATE \"C\") = $1)"),
        ("Mood eq 'ok'", "((\"Mood\"::text COLLATE \"C\") = $1)"),
        ("Open", "\"Open\""),
        ("not Open", "NOT \"Open\""),
        ("Size gt 1", "(\"Size\" > $1 AND \"Size\" < 'NaN')"),
        ("Size lt 1.5", "(\"Size\" < $1)"),
        ("Ratio eq 0.1", "(\"Ratio\" = $1::float4)"),
        ("Ratio gt 1e39", "(\"Ratio\" >= $1::float4 AND \"Ratio\" < 'NaN')"),
        (
            "Any gt 1.5",
            "(\"Any\" > $1::numeric AND \"Any\" > '-Infinity'::numeric AND \"Any\" < 'Infinity'::numeric)",
        ),
        ("Price gt 1.5", "(\"Price\" > $1::numeric AND \"Price\" < 'NaN'::numeric)"),
        ("Price eq 1e1", "(\"Price\" = $1::numeric)"),
        ("Cash eq 1", "(\"Cash\"::numeric = $1)"),
        ("Object lt -1", "(\"Object\"::int8 < $1)"),
        ("Guid eq 01234567-89ab-cdef-0123-456789abcdef", "(\"Guid\" = $1::uuid)"),
        ("Raw eq binary'AA'", "(\"Raw\" = $1)"),
        ("Day eq 2024-05-01", "(\"Day\" = $1::date)"),
        ("Hour lt 12:30", "(\"Hour\" < $1::time AND \"Hour\" < '24:00:00'::time)"),
        ("At eq 2024-05-01T10:00:00Z", "(\"At\" = $1::timestamptz)"),
        ("At eq 2024-05-01T10:00:00.0000001Z", "(FALSE)"),
        ("Local eq 2024-05-01T10:00:00Z", "(\"Local\" = $1::timestamp)"),
        (
            "Wait eq duration'P1D'",
            "(\"Wait\" = $1::interval AND extract(year from \"Wait\") = 0 AND extract(month from \"Wait\") = 0)",
        ),
    ] {
        assert_eq!(condition(filter), expected, "{filter}");
    }
}

#[test]
fn null_is_what_is_no_value_and_what_is_not_a_number_equals_nothing() {
    for (filter, expected) in [
        ("Name eq null", "(\"Name\" IS NULL)"),
        ("Size eq null", "(\"Size\" IS NULL)"),
        (
            "Day eq null",
            "(\"Day\" IS NULL OR \"Day\" < '0001-01-01 BC'::date OR \"Day\" >= '10000-01-01'::date)",
        ),
        ("Price ne null", "NOT (\"Price\" IS NULL OR \"Price\" >= 'NaN'::numeric)"),
        ("Size ne 1", "((\"Size\" = $1)) IS NOT TRUE"),
        (
            "Size eq Ratio",
            "((NULLIF(\"Size\", 'NaN') = NULLIF(\"Ratio\"::text::float8, 'NaN')) OR \
             ((\"Size\" IS NULL) AND (\"Ratio\" IS NULL)))",
        ),
        ("Open eq (Id gt 1)", "(\"Open\" = (((\"Id\" > $1)) IS TRUE))"),
        ("Name gt Mood", "((\"Name\" COLLATE \"C\") COLLATE \"C\" > (\"Mood\"::text COLLATE \"C\"))"),
    ] {
        assert_eq!(condition(filter), expected, "{filter}");
    }
}

#[test]
fn patterns_have_no_wildcards_but_their_end() {
    let url = "/A__b_/$count?$filter=startswith(Name,'50%25_%5C')";
    let statement = prepared_for(Dialect::Postgres, &model(), url, None).unwrap();
    assert!(statement.sql.ends_with(" WHERE \"Name\" LIKE $1"), "{}", statement.sql);
    assert_eq!(text_of(&statement.parameters[0]), "50\\%\\_\\\\%");
}

#[test]
fn a_page_begins_with_null_and_an_index_serves_both_parts() {
    let branch = |condition: &str, order: &str, at: &str, row: usize| {
        format!(
            "SELECT * FROM (SELECT \"Id\" AS \"c0\", {at} AS \"c1\", {at} AS \"o0\", \"Id\" AS \"o1\" FROM {TABLE} \
             WHERE {condition} ORDER BY {order} LIMIT ${row}) AS t"
        )
    };
    let guarded = "(CASE WHEN \"At\" >= '0001-01-01 00:00:00+00 BC'::timestamptz \
                   AND \"At\" < '10000-01-01 00:00:00+00'::timestamptz THEN \"At\" END)";
    let null = "(\"At\" IS NULL OR \"At\" < '0001-01-01 00:00:00+00 BC'::timestamptz \
                OR \"At\" >= '10000-01-01 00:00:00+00'::timestamptz)";
    let valued = "\"At\" >= '0001-01-01 00:00:00+00 BC'::timestamptz AND \"At\" < '10000-01-01 00:00:00+00'::timestamptz";
    let without = branch(null, &format!("{guarded} NULLS FIRST, \"Id\""), guarded, 1);
    let with = branch(valued, "\"At\", \"Id\"", "\"At\"", 2);
    assert_eq!(
        sql("?$select=Id&$orderby=At", None),
        format!(
            "SELECT \"c0\", \"c1\" FROM ({without} UNION ALL {with}) AS t ORDER BY \"o0\" NULLS FIRST, \"o1\" LIMIT $3"
        )
    );
    // Without an index there is nothing to gain.
    assert_eq!(
        sql("?$select=Id&$orderby=Open", None),
        format!("SELECT \"Id\", \"Open\" FROM {TABLE} ORDER BY \"Open\" NULLS FIRST, \"Id\" LIMIT $1")
    );
}

#[test]
fn a_position_has_the_type_of_its_term() {
    let mark = |value| Mark::Value(value);
    let text = |text: &str| mark(Value::Text(text.to_owned()));
    for (order, value, expected) in [
        ("At", text("0000-05-01T10:00:00.5"), "\"At\" > $3::timestamptz"),
        ("Local", text("2024-05-01T10:00:00"), "\"Local\" > $3::timestamp"),
        ("Any", text("1.50"), "\"Any\" > $3::numeric"),
        ("Any", mark(Value::Integer(1)), "\"Any\" > $3::numeric"),
        ("Open", mark(Value::Integer(1)), "\"Open\" > $3::int4::bool"),
        ("Guid", text("01234567-89ab-cdef-0123-456789abcdef"), "\"Guid\" > $3::uuid"),
        ("Name", text("a"), "(\"Name\" COLLATE \"C\") > $3"),
        ("Fixed", text("a"), "\"Fixed\" > $3::bpchar"),
        ("Mood", text("a"), "(\"Mood\"::text COLLATE \"C\") > $3"),
        ("Wait", text("-P1DT0.5S"), "\"Wait\" > $3::interval"),
        ("length(Name)", mark(Value::Integer(3)), "char_length((\"Name\" COLLATE \"C\")) > $3"),
    ] {
        let after = sql(
            &format!("?$select=Id&$orderby={order}&$skiptoken=x"),
            Some(vec![value, mark(Value::Integer(7))]),
        );
        // The same value is bound once, by the branch before.
        let expected = expected.replace("$3", "$1");
        assert!(after.contains(&expected), "{order}: {after}");
    }
    let pair = sql("?$select=Id&$skiptoken=x", Some(vec![mark(Value::Integer(7))]));
    assert_eq!(pair, format!("SELECT \"Id\" FROM {TABLE} WHERE (\"Id\") > ($1) ORDER BY \"Id\" LIMIT $2"));
}

#[test]
fn every_function_and_operator_reaches_the_statement() {
    for function in Function::ALL {
        let of = |accepts: &&[crate::tree::class::Class]| match accepts[0] {
            crate::tree::class::Class::String => "Name",
            crate::tree::class::Class::Integer => "Id",
            crate::tree::class::Class::DateTimeOffset => "At",
            crate::tree::class::Class::Date => "Day",
            crate::tree::class::Class::TimeOfDay => "Hour",
            crate::tree::class::Class::Duration => "Wait",
            class => panic!("no column of {class:?}"),
        };
        let arguments: Vec<&str> = function.signature().accepts.iter().map(of).collect();
        let call = format!("{}({})", function.name(), arguments.join(","));
        let condition = condition(&format!("{call} ne null"));
        for argument in arguments {
            assert_eq!(
                condition.matches(&format!("\"{argument}\"")).count().min(1),
                1,
                "{call}: {condition}"
            );
        }
    }
    for (expression, expected) in [
        ("Object add Id", "(\"Object\"::int8::numeric + \"Id\"::numeric)"),
        ("Id add Id", "(\"Id\"::numeric + \"Id\"::numeric)"),
        ("Size mul Id", "(\"Size\" * \"Id\"::numeric)"),
        ("Id div 2", "div(\"Id\"::numeric, $1::numeric)"),
        ("Id mod 2", "mod(\"Id\"::numeric, $1::numeric)"),
        ("Size div 2", "(\"Size\"::float8 / $1::float8)"),
        ("-Id", "(- \"Id\"::numeric)"),
        ("round(Size)", "round(\"Size\"::text::numeric)::float8"),
        ("tolower(Name)", "(lower((\"Name\" COLLATE \"C\") COLLATE \"und-x-icu\") COLLATE \"C\")"),
    ] {
        let condition = condition(&format!("{expression} ne null"));
        assert!(condition.starts_with(expected), "{expression}: {condition}");
    }
}

/// PostgreSQL takes a null without a type for text, and refuses to order by it.
#[test]
fn what_is_computed_from_null_is_the_literal_null() {
    for null in ["-null", "-(-(null))", "-(Id add null)", "-length(null)", "round(-null)", "-null mul 2"] {
        assert_eq!(sql(&format!("?$orderby={null} desc"), None), sql("?$orderby=null desc", None), "{null}");
        assert_eq!(condition(&format!("{null} ge Id")), condition("null ge Id"), "{null}");
        assert_eq!(condition(&format!("{null} eq -(Id)")), condition("null eq -(Id)"), "{null}");
    }
}

#[test]
fn parts_have_the_same_types_and_sums_so_far_are_exact() {
    let parts =
        sql("?$apply=concat(groupby((Name),aggregate($count as N)),aggregate($count as N))&$top=5", None);
    let second = format!(
        "UNION ALL SELECT NULL::text AS \"c0\", s2.\"c0\" AS \"c1\", 1 AS \"c2\" FROM \
         (SELECT count(*)::numeric AS \"c0\" FROM {TABLE} AS s0) AS s2) AS s3 ORDER BY s3.\"c2\", "
    );
    assert!(parts.contains(&second), "{parts}");
    let sums = sql("?$apply=topsum(10,Id)&$select=Id", None);
    for part in [
        "(sum(s0.\"Id\") OVER ( ORDER BY s0.\"Id\" DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))::numeric AS \"oo0\"",
        "MIN(CASE WHEN ",
        " WHERE \"oo2\" <= COALESCE(\"oo3\", \"oo2\")) AS s0",
    ] {
        assert!(sums.contains(part), "{part}: {sums}");
    }
    let doubles = sql("?$apply=topsum(10,Size)&$select=Id", None);
    assert!(
        doubles.contains("sum(s0.\"Size\") OVER ( ORDER BY s0.\"Size\" DESC NULLS LAST, s0.\"Id\" DESC"),
        "{doubles}"
    );
}

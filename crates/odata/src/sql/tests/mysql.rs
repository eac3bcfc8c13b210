//! The statements of MySQL and MariaDB.

use super::{prepared_for, text_of};
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::{Collation, Column, Model, Schema, Storage, Table, TableChanges};
use crate::position::Mark;
use crate::sql::Dialect;
use crate::statement::Statement;

/// A column of each type: with the name, the type, the form, and whether every stored value is one for OData.
fn model() -> Model {
    let text = EdmType::String { max_length: Some(80) };
    let money = EdmType::Decimal { precision: Some(9), scale: Some(2) };
    let columns = [
        ("Id", EdmType::Int32, Form::Canonical, true),
        ("Name", text, Form::Canonical, true),
        ("Code", text, Form::Canonical, true),
        ("Mood", text, Form::Converted, true),
        ("Open", EdmType::Boolean, Form::Canonical, true),
        ("Bits", EdmType::Int64, Form::Converted, true),
        ("Size", EdmType::Double, Form::Canonical, true),
        ("Ratio", EdmType::Single, Form::Canonical, true),
        ("Price", money, Form::Canonical, true),
        ("Guid", EdmType::Guid, Form::Canonical, true),
        ("Day", EdmType::Date, Form::Canonical, false),
        ("Hour", EdmType::TimeOfDay, Form::Canonical, false),
        ("At", EdmType::DateTimeOffset, Form::Local, false),
    ];
    let column = |(name, ty, form, is_guaranteed): &(&str, EdmType, Form, bool)| {
        let is_textual = *ty == text;
        let is_loose = is_textual && *name != "Code";
        let collation = if is_loose { Collation::Unknown } else { Collation::Binary };
        let index = matches!(*name, "Day" | "Name").then_some(collation);
        let (form, is_guaranteed) = (*form, *is_guaranteed);
        let storage = Storage { form, is_guaranteed, is_textual, collation, index, ..Storage::default() };
        Column { name: (*name).to_owned(), ty: *ty, nullable: *name != "Id", storage }
    };
    let table = Table {
        schema: None,
        set_name: None,
        name: "A `b`".to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: vec!["Id".to_owned()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    Model::compile("Test", Schema { tables: vec![table] })
}

fn statement(url: &str, position: Option<Vec<Mark>>) -> Statement {
    prepared_for(Dialect::Mysql, &model(), &format!("/A__b_{}", url.replace(' ', "%20")), position).unwrap()
}

/// What follows `WHERE`.
fn condition(filter: &str) -> String {
    let sql = statement(&format!("/$count?$filter={filter}"), None).sql;
    let start = "SELECT count(*) FROM `A ``b``` WHERE ";
    sql.strip_prefix(start).unwrap_or_else(|| panic!("{sql}")).to_owned()
}

#[test]
fn an_index_finds_candidates_and_the_bytes_decide() {
    for (filter, expected) in [
        ("Id eq 1", "(`Id` = ?)"),
        ("Name eq 'a'", "(`Name` = ? AND CAST(CONVERT(`Name` USING utf8mb4) AS BINARY) = CAST(? AS BINARY))"),
        ("Name gt 'a'", "(CAST(CONVERT(`Name` USING utf8mb4) AS BINARY) > CAST(? AS BINARY))"),
        ("Name ne 'a'", "(NOT CAST(CONVERT(`Name` USING utf8mb4) AS BINARY) <=> CAST(? AS BINARY))"),
        (
            "startswith(Name,'a')",
            "(`Name` LIKE ? ESCAPE '|' AND LOCATE(CAST(? AS BINARY), CAST(CONVERT(`Name` USING utf8mb4) AS BINARY)) = 1)",
        ),
        ("Code eq 'a'", "(`Code` = ?)"),
        ("Code gt 'a'", "(`Code` > ?)"),
        ("startswith(Code,'a')", "(`Code` LIKE ? ESCAPE '|')"),
        ("Mood eq 'ok'", "(CAST(CONVERT(`Mood` USING utf8mb4) AS BINARY) = CAST(? AS BINARY))"),
        ("Open", "(`Open` <> 0)"),
        ("not Open", "(`Open` = 0)"),
        ("Bits add 1 eq 2", "((CAST((`Bits` + 0) AS DECIMAL(20,0)) + CAST(? AS DECIMAL(20,0))) = ?)"),
        ("Size gt INF", "(`Size` > ?)"),
        ("Ratio eq 0.1", "(`Ratio` = ?)"),
        ("Price gt 1.5", "(`Price` > CAST(? AS DECIMAL(2,1)))"),
        ("Price in (1,2)", "`Price` IN (?,?)"),
        ("Guid eq 01234567-89ab-cdef-0123-456789abcdef", "(`Guid` = ?)"),
        ("Day eq 2024-05-01", "(`Day` = CAST(? AS DATE))"),
        (
            "Day lt 2024-05-01",
            "(`Day` < CAST(? AS DATE) AND DAYOFMONTH(`Day`) BETWEEN 1 AND DAYOFMONTH(LAST_DAY(`Day`)))",
        ),
        (
            "Hour lt 12:30",
            "(`Hour` < CAST(? AS TIME(6)) AND `Hour` >= CAST('00:00:00' AS TIME) AND `Hour` < CAST('24:00:00' AS TIME))",
        ),
        ("At eq 2024-05-01T10:00:00Z", "(`At` = CAST(? AS DATETIME(6)))"),
        ("At eq 2024-05-01T10:00:00.0000001Z", "(FALSE)"),
        ("Name eq null", "(`Name` IS NULL)"),
    ] {
        assert_eq!(condition(filter), expected, "{filter}");
    }
}

/// Marks have no numbers, so a value that is needed twice is a parameter twice, in the order of the text.
#[test]
fn there_is_a_parameter_for_each_mark() {
    for url in [
        "/?$filter=Name eq 'a' and startswith(Name,'b|%25') and Id in (1,2)",
        "/?$filter=substring(Name,Id) eq 'x' or round(Size mul 2) eq 1&$orderby=Name,Day desc&$skip=3",
        "/?$orderby=Day&$top=3",
    ] {
        let url = url.replacen('/', "", 1);
        let Statement { sql, parameters, .. } = statement(&url, None);
        assert_eq!(sql.matches('?').count(), parameters.len(), "{sql}");
    }
    let texts = statement("?$filter=Name eq 'a' and startswith(Name,'b|%25')", None).parameters;
    let texts: Vec<&str> = texts[..4].iter().map(text_of).collect();
    assert_eq!(texts, ["a", "a", "b|||%%", "b|%"]);
}

#[test]
fn pages_are_unions_and_skipped_rows_are_found_by_their_keys() {
    let marks = vec![Mark::Value(Value::Text("a".to_owned())), Mark::Value(Value::Integer(7))];
    let sql = statement("?$select=Id&$orderby=Code&$skiptoken=x", Some(marks)).sql;
    for part in [
        "WHERE `Code` = ? AND `Id` > ? ORDER BY `Code`, `Id` LIMIT ?",
        "UNION ALL",
        "WHERE `Code` > ? ORDER BY `Code`, `Id` LIMIT ?",
        "ORDER BY `o0`, `o1` LIMIT ?",
    ] {
        assert!(sql.contains(part), "{part} is not in {sql}");
    }
    let skipped = statement("?$select=Id&$orderby=Code&$skip=3", None).sql;
    assert!(skipped.contains("`Id` IN (SELECT * FROM (SELECT `Id` FROM"), "{skipped}");
    // What is null or no day is read apart, because an index has it among the days.
    let apart = statement("?$select=Id&$orderby=Day", None).sql;
    assert!(apart.contains("IS NOT TRUE) ORDER BY") && apart.contains("UNION ALL"), "{apart}");
}

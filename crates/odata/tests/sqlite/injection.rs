//! Text that looks like SQL stays text.

use odata::edm_type::EdmType;

use crate::database::{Database, table};

const TEXT: EdmType = EdmType::String { max_length: None };

fn database() -> Database {
    let columns = [("id", EdmType::Int64, false), ("na\"me", TEXT, true)];
    let sql = "CREATE TABLE \"T\"\"; DROP TABLE x\" (id INTEGER PRIMARY KEY, \"na\"\"me\" TEXT);
        INSERT INTO \"T\"\"; DROP TABLE x\" VALUES (1, 'a'), (2, 'x'') OR 1=1 --'), (3, 'a%_'), (4, NULL);
        CREATE TABLE x (y)";
    Database::new(sql, vec![table("T\"; DROP TABLE x", &columns, &["id"])])
}

#[test]
fn literals_are_never_part_of_the_statement() {
    let database = database();
    let set = "T___DROP_TABLE_x";
    let hostile = "x'') OR 1=1 --";
    for filter in [
        format!("contains(na_me,'{hostile}')"),
        format!("startswith(na_me,'{hostile}')"),
        format!("endswith(na_me,'{hostile}')"),
        format!("na_me eq '{hostile}'"),
        format!("na_me in ('{hostile}')"),
        format!("tolower(na_me) eq tolower('{hostile}')"),
        format!("substring(na_me,0,14) eq '{hostile}'"),
        format!("indexof(na_me,'{hostile}') eq 0"),
        format!("trim(na_me) eq trim('{hostile}')"),
        format!("concat(na_me,'') eq '{hostile}'"),
    ] {
        let url = format!("{set}?$select=id&$filter={filter}");
        let odata::plan::Plan::Entities(query) = database.plan(&url, 10, None).unwrap() else { panic!() };
        assert!(!query.statement.sql.contains("1=1"), "{}", query.statement.sql);
        assert_eq!(database.ids(&url), [2], "{filter}");
    }
}

#[test]
fn wildcards_of_sql_are_plain_characters() {
    let database = database();
    let ids = |filter: &str| database.ids(&format!("T___DROP_TABLE_x?$filter={filter}"));
    assert_eq!(ids("contains(na_me,'%25')"), [3]);
    assert_eq!(ids("startswith(na_me,'_')"), [0_i64; 0]);
    assert_eq!(ids("endswith(na_me,'%25_')"), [3]);
    assert_eq!(ids("contains(na_me,'A')"), [0_i64; 0]);
}

#[test]
fn names_outside_the_model_reach_no_statement() {
    let database = database();
    for (url, code) in [
        ("x", "ResourceNotFound"),
        ("sqlite_master", "ResourceNotFound"),
        ("T___DROP_TABLE_x?$orderby=rowid", "UnknownProperty"),
        ("T___DROP_TABLE_x?$select=rowid", "UnknownProperty"),
        ("T___DROP_TABLE_x?$filter=rowid eq 1", "UnknownProperty"),
        ("T___DROP_TABLE_x?$filter=load_extension('x')", "UnknownFunction"),
        ("T___DROP_TABLE_x?$orderby=id;DROP TABLE x", "SyntaxError"),
        ("T___DROP_TABLE_x(1 or 1 eq 1)", "BadKey"),
    ] {
        assert_eq!(database.error(url).code(), code, "{url}");
    }
}

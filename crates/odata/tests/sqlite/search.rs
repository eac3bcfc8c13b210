//! `$search`: which rows match, where it applies, and what is refused.

use odata::edm_type::EdmType;
use odata::error::Kind;
use odata::plan::Plan;

use crate::database::{Database, table};

const TEXT: EdmType = EdmType::String { max_length: None };

fn database() -> Database {
    let number = EdmType::Int32;
    let ships = table("Ships", &[("id", number, false), ("name", TEXT, true), ("home", TEXT, true)], &["id"]);
    let berths = table("Berths", &[("id", number, false), ("length", number, true)], &["id"]);
    let sql = "CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT, home TEXT);
        CREATE TABLE Berths (id INTEGER PRIMARY KEY, length INTEGER);
        INSERT INTO Ships VALUES (1, 'Blue Sky', 'Oslo'), (2, 'Sky blue', NULL), (3, NULL, NULL), (4, '100% blue_', 'BLUE'),
          (5, 'Grün', 'Riga'), (6, '', 'sky')";
    Database::new(sql, vec![ships, berths])
}

#[test]
fn a_search_finds_words_and_phrases_in_every_text() {
    let database = database();
    for (search, expected) in [
        ("blue", vec![1, 2, 4]),
        ("BLUE", vec![1, 2, 4]),
        ("oslo", vec![1]),
        ("blue sky", vec![1, 2]),
        ("blue oslo", vec![1]),
        ("\"blue sky\"", vec![1]),
        ("\"sky blue\"", vec![2]),
        ("blue AND sky", vec![1, 2]),
        ("oslo OR riga", vec![1, 5]),
        ("NOT blue", vec![3, 5, 6]),
        ("NOT (blue OR sky)", vec![3, 5]),
        ("blue NOT oslo", vec![2, 4]),
        ("NOT NOT", vec![1, 2, 3, 4, 5, 6]),
        ("100%25", vec![4]),
        ("_", vec![4]),
        ("GR%C3%9CN", vec![5]),
        ("sky NOT blue OR riga", vec![5, 6]),
    ] {
        let search = search.replace(' ', "%20");
        assert_eq!(database.ids(&format!("Ships?$search={search}")), expected, "{search}");
        let Plan::Count { statement, .. } =
            database.plan(&format!("Ships/$count?$search={search}"), 9, None).unwrap()
        else {
            panic!("{search}");
        };
        assert_eq!(database.number(&statement), i64::try_from(expected.len()).unwrap(), "{search}");
    }
    assert_eq!(database.ids("Ships?$search=blue&$filter=id%20gt%201&$orderby=id%20desc&$top=1"), [4]);
    assert_eq!(database.ids("Ships?search=sky&$compute=length(name) as n&$filter=n gt 0"), [1, 2]);
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let database = database();
    let many = format!("Ships?$search={}", vec!["a"; 40].join("%20"));
    for (url, code, kind) in [
        ("Ships?$search=", "SyntaxError", Kind::BadRequest),
        ("Ships?$search=(a", "SyntaxError", Kind::BadRequest),
        ("Ships?$search=%22a", "SyntaxError", Kind::BadRequest),
        ("Ships(1)?$search=a", "OptionNotApplicable", Kind::BadRequest),
        ("Ships(1)/name?$search=a", "OptionNotApplicable", Kind::BadRequest),
        (&many, "TooComplex", Kind::BadRequest),
        ("Ships?$search='a", "NotImplemented", Kind::NotImplemented),
        ("Berths?$search=a", "NotImplemented", Kind::NotImplemented),
        ("Ships?$search=a&$apply=aggregate($count as n)", "NotImplemented", Kind::NotImplemented),
    ] {
        let error = database.error(url);
        assert_eq!((error.code(), error.kind()), (code, kind), "{url}: {error}");
    }
}

//! Tests of names: properties that are words of the language, other spellings, and very many properties.

use odata::edm_type::EdmType;

use crate::database::{Database, table};

const WORDS: [&str; 20] = [
    "null", "true", "False", "INF", "NaN", "INFO", "not", "and", "or", "in", "eq", "has", "add", "asc",
    "desc", "now", "any", "duration", "case", "length",
];

fn database() -> Database {
    let mut columns = vec![("id", EdmType::Int64, false)];
    columns.extend(WORDS.map(|word| (word, EdmType::Int64, true)));
    let declared: Vec<String> = WORDS.iter().map(|word| format!("\"{word}\" INTEGER")).collect();
    let values: Vec<String> = (10..10 + WORDS.len()).map(|value| value.to_string()).collect();
    let sql = format!(
        "CREATE TABLE T (id INTEGER PRIMARY KEY, {}); INSERT INTO T (id) VALUES (1); INSERT INTO T VALUES (2, {})",
        declared.join(", "),
        values.join(", ")
    );
    Database::new(&sql, vec![table("T", &columns, &["id"])])
}

#[test]
fn properties_named_like_words_of_the_language_are_reached() {
    let database = database();
    for (index, word) in WORDS.iter().enumerate() {
        let value = index + 10;
        for filter in [
            format!("{word} eq {value}"),
            format!("{word} in ({value},1)"),
            format!("{word} add 1 eq {}", value + 1),
            format!("not ({word} eq null)"),
            format!("$it/{word} eq {value}"),
            format!("{value} eq $it/{word}"),
            format!("floor({word}) eq {value} and {word} ne null"),
            format!("-($it/{word}) eq -{value}"),
        ] {
            assert_eq!(database.ids(&format!("T?$filter={filter}")), [2], "{filter}");
        }
        assert_eq!(database.ids(&format!("T?$orderby={word} desc")), [2, 1], "{word}");
        assert_eq!(database.ids(&format!("T?$orderby={word},id desc")), [1, 2], "{word}");
        assert_eq!(database.ids(&format!("T?$orderby=$it/{word} asc")), [1, 2], "{word}");
        assert!(
            database.body(&format!("T?$select={word}")).contains(&format!("\"{word}\":{value}")),
            "{word}"
        );
        assert!(database.body(&format!("T(2)/{word}")).contains(&format!(":{value}")), "{word}");
    }
}

#[test]
fn words_stay_literals_on_the_right_and_where_no_property_has_their_name() {
    let database = database();
    for (filter, expected) in [
        ("not eq null", &[1][..]),
        ("in eq null", &[1]),
        ("null eq null", &[1]),
        ("id eq 2 eq true", &[2]),
        ("true", &[1, 2]),
        ("not true", &[]),
        ("not (and gt 0) and not (or gt 0)", &[1]),
        ("not in (1,null)", &[1]),
        ("id lt INF and id gt -INF", &[1, 2]),
    ] {
        assert_eq!(database.ids(&format!("T?$filter={filter}")), expected, "{filter}");
    }
}

fn odd() -> Database {
    let columns =
        [("id", EdmType::Int64, false), ("m²", EdmType::Int64, true), ("First Name", EdmType::Int64, true)];
    let sql =
        "CREATE TABLE \"Order Details\" (id INTEGER PRIMARY KEY, \"m²\" INTEGER, \"First Name\" INTEGER)";
    Database::new(sql, vec![table("Order Details", &columns, &["id"])])
}

#[test]
fn a_wrong_name_is_answered_with_the_right_one() {
    let database = odd();
    for (url, code, hint) in [
        ("Order_Details?$select=\"m²\"", "UnknownProperty", "did you mean m_?"),
        ("Order_Details?$select=m²", "UnknownProperty", "did you mean m_?"),
        ("Order_Details?$select=First Name", "UnknownProperty", "did you mean First_Name?"),
        ("Order_Details?$select=id, 'First Name' ", "UnknownProperty", "did you mean First_Name?"),
        ("Order_Details?$select=FIRSTNAME", "UnknownProperty", "did you mean First_Name?"),
        ("Order_Details?$filter=first_name eq 1", "UnknownProperty", "did you mean First_Name?"),
        ("Order_Details?$orderby=ID", "UnknownProperty", "did you mean id?"),
        ("Order_Details(1)/FirstName", "ResourceNotFound", "did you mean First_Name?"),
        ("OrderDetails", "ResourceNotFound", "did you mean Order_Details?"),
        ("Order Details", "ResourceNotFound", "did you mean Order_Details?"),
        ("Order_Details?$inlinecount=allpages", "UnknownOption", "$count=true"),
        ("Order_Details/$links", "ResourceNotFound", "$ref"),
        ("Order_Details?$filter=substringof('x',First_Name) eq true", "UnknownFunction", "contains"),
        ("Order_Details?$filter=id eq datetime'2020-01-02T03:04:05'", "BadLiteral", "2020-01-02T03:04:05Z"),
        (
            "Order_Details?$filter=id eq datetimeoffset'2020-01-02T03:04:05Z'",
            "BadLiteral",
            "2020-01-02T03:04:05Z,",
        ),
        ("Order_Details?$filter=id eq datetime'soon'", "BadLiteral", "version 4 writes 2024"),
        ("Order_Details?$filter=id eq time'PT1H'", "BadLiteral", "duration'PT1H'"),
        (
            "Order_Details?$filter=id eq guid'01234567-89ab-cdef-0123-456789abcdef'",
            "BadLiteral",
            "writes 01234567-89ab",
        ),
        ("Order_Details?$filter=id eq X'0F'", "BadLiteral", "binary'"),
        ("Order_Details?$filter=id eq 9.99M", "BadLiteral", "version 4 writes 9.99"),
        ("Order_Details?$filter=id eq 1L", "BadLiteral", "version 4 writes 1"),
        ("Order_Details?$filter=id eq 1.0d", "BadLiteral", "version 4 writes 1.0"),
        ("Order_Details?$filter=id eq 1.5e3f", "BadLiteral", "version 4 writes 1.5e3"),
        ("Order_Details(1L)", "BadLiteral", "version 4 writes 1"),
    ] {
        let error = database.error(url);
        assert_eq!(error.code(), code, "{url}: {error}");
        assert!(error.to_string().contains(hint), "{url}: {error}");
    }
    assert!(!database.error("Order_Details?$select=zzz").to_string().contains("did you mean"));
}

#[test]
fn a_selection_may_be_as_wide_as_its_table() {
    let names: Vec<String> = (0..1_990).map(|number| format!("c{number}")).collect();
    let columns: Vec<(&str, EdmType, bool)> =
        names.iter().map(|name| (name.as_str(), EdmType::Int64, name != "c0")).collect();
    let declared: Vec<String> = names.iter().map(|name| format!("{name} INTEGER")).collect();
    let sql =
        format!("CREATE TABLE T ({}, PRIMARY KEY (c0)); INSERT INTO T (c0) VALUES (1)", declared.join(","));
    let database = Database::new(&sql, vec![table("T", &columns, &["c0"])]);
    let body = database.body(&format!("T?$select={}&$orderby=c1,length('x')", names.join(",")));
    assert_eq!(body.matches("null").count(), 1_989);
    let more = format!("T?$select={}", vec!["c1"; 1_991].join(","));
    assert_eq!(database.error(&more).code(), "TooComplex");
    let narrow = odd();
    let repeated = format!("Order_Details?$select={}", vec!["id"; 1_001].join(","));
    assert_eq!(narrow.error(&repeated).code(), "TooComplex");
}

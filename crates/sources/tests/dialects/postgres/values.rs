//! Values and answers that the standard names, one by one.

use super::columns::sample;
use super::database::Postgres;
use crate::database::{Database as _, table};
use crate::requests::encoded;
use odata::edm_type::EdmType;
use odata::error::Reason;
use odata::form::Form;
use odata::model::{Collation, Column, Storage, Table};

fn column(name: &str, ty: EdmType, form: Form, is_guaranteed: bool) -> Column {
    let storage = Storage { form, is_guaranteed, ..Storage::default() };
    Column { name: name.to_owned(), ty, nullable: name != "id", storage }
}

fn one() -> Postgres {
    let text = EdmType::String { max_length: None };
    let columns = vec![
        column("id", EdmType::Int32, Form::Canonical, true),
        column("s", text, Form::Canonical, true),
        column("n", EdmType::Int64, Form::Canonical, true),
        column("f", EdmType::Double, Form::Canonical, true),
        column("d", EdmType::Decimal { precision: None, scale: None }, Form::Canonical, false),
        column("at", EdmType::DateTimeOffset, Form::Canonical, false),
    ];
    let sql = "CREATE TABLE \"One\" (id int4 PRIMARY KEY, s text, n int8, f float8, d numeric, at timestamptz);
        INSERT INTO \"One\" VALUES (1, 'Straße 😀 x', -9223372036854775808, 2.5, 2.5, '2024-02-29 23:59:59.123456+00')";
    Postgres::new(sql, vec![table("One", columns, &["id"])])
}

#[test]
fn postgresql_answers_what_the_standard_says() {
    let database = one();
    for condition in [
        "contains(s,'ße') and not contains(s,'SSE') and contains(s,'')",
        "startswith(s,'Str') and endswith(s,'x') and endswith(s,'') and not startswith(s,'%')",
        "endswith(s,tolower('X')) and startswith(s,concat('S','t'))",
        "length(s) eq 10 and indexof(s,'😀') eq 7 and indexof(s,'q') eq -1 and indexof(s,'') eq 0",
        "toupper(s) eq 'STRASSE 😀 X' and tolower(s) eq 'straße 😀 x'",
        "substring(s,7) eq '😀 x' and substring(s,-1) eq 'x' and substring(s,7,1) eq '😀'",
        "substring(s,-3,1) eq '😀' and substring(s,99) eq '' and substring(s,0,length(s)) eq s",
        "substring(s,n) eq s and substring(s,n,9223372036854775807) eq s and substring(s,1,0) eq ''",
        "trim(concat(concat('\u{3000} ',s),'\u{a0}')) eq s",
        "concat(s,'!') gt s and s lt 'T' and s gt 'S' and 'a' gt 'B'",
        "n sub 1 lt n and -n gt 9223372036854775806 and n div -1 gt 0 and n mod 10 eq -8",
        "7 div 2 eq 3 and -7 div 2 eq -3 and -7 mod 2 eq -1 and 7 divby 2 eq 3.5 and 7.0 div 2 eq 3.5",
        "id divby 0 eq INF and -1 divby (id sub 1) eq -INF and not (0 divby (id sub 1) eq NaN)",
        "f div 0 eq INF and (f sub f) divby 0 ne null and (f sub f) divby 0 ne 1",
        "round(f) eq 3 and round(-f) eq -3 and round(d) eq 3 and floor(-d) eq -3 and ceiling(f) eq 3",
        "round(n) eq n and floor(n) eq n and round(0.49999999999999994e0) eq 0",
        "5.5e0 mod 2 eq 1.5 and 0.3 mod 0.1 eq 0",
        "year(at) eq 2024 and month(at) eq 2 and day(at) eq 29 and hour(at) eq 23 and minute(at) eq 59",
        "second(at) eq 59 and fractionalseconds(at) eq 0.123456 and date(at) eq 2024-02-29",
        "time(at) eq 23:59:59.123456 and time(at) lt 23:59:59.1234561 and now() gt at",
        "fractionalseconds(12:00:00.0000001) eq 0.0000001 and second(12:00:59.9999999) eq 59",
        "year(0000-05-01) eq 0 and year(-0044-03-15) eq -44 and 9999-12-31T23:59:59.9999999Z gt 9999-12-31T23:59:59.999999Z",
        "at lt 2024-02-29T23:59:59.1234561Z and not (at ge 2024-02-29T23:59:59.1234561Z)",
        "not (s eq 'a\0b') and s gt 'S\0' and not contains(s,'\0') and indexof(s,'\0') eq -1",
        "not (s in ('\0','a')) and s in ('Straße 😀 x','\0')",
        "d eq 2.5e0 and d lt 1e300 and n lt 1e19 and n eq -9223372036854775808e0 and f eq 2.50",
        "f lt INF and f gt -INF and f ne NaN and not (f eq NaN) and not (f lt NaN)",
        "not ((d add 0) in (2.5000000000000000001,1e0)) and (d add 0) in (1e0,2.5) and not (d in (2.5000000000000000001,1e0))",
        "-null eq null and not (-length(null) ge at) and not (-(-null) lt d) and not ((-null) in (1,n))",
    ] {
        assert!(database.holds(condition), "{condition}");
    }
}

#[test]
fn a_text_that_postgresql_cannot_have_is_refused_where_it_decides() {
    let database = one();
    for condition in ["concat(s,'\0') eq 'x'", "contains('\0',s)", "tolower('\0') eq s"] {
        let error = database.plan(&format!("/One?$filter={}", encoded(condition)), 10, None).unwrap_err();
        assert!(matches!(error.reason, Reason::NotImplemented(_)), "{condition}: {error}");
    }
}

/// The text that a nested expression is, and that it is read in a time that grows with its length.
#[test]
fn nested_operands_are_evaluated_once() {
    let database = one();
    let nested = (0..12).fold("n".to_owned(), |inner, _| format!("({inner} divby (id sub 1))"));
    assert!(!database.holds(&format!("{nested} eq 1")));
    let nested = (0..12).fold("s".to_owned(), |inner, _| format!("substring({inner},id sub 1)"));
    assert!(database.holds(&format!("{nested} eq s")));
}

#[test]
fn values_beyond_the_range_of_their_type_are_shown_as_null_with_what_is_stored() {
    let sample = sample(3, 80);
    let database = Postgres::new(&sample.sql, vec![sample.table()]);
    let entities = database.walk("/T", 7).unwrap();
    assert_eq!(entities.len(), sample.rows.len());
    for (entity, row) in entities.iter().zip(&sample.rows) {
        for (column, value) in sample.columns.iter().zip(row) {
            let shown = &entity[column.name];
            let is_null = matches!(value, crate::oracle::Value::Null);
            assert_eq!(shown.is_null(), is_null, "{}: {shown} {value:?}", column.name);
        }
    }
}

/// Each key of one type, with its address.
#[test]
fn entities_are_found_by_keys_of_every_type() {
    let text = EdmType::String { max_length: None };
    for (ty, form, declared, stored, address) in [
        (EdmType::Boolean, Form::Canonical, "bool", "true", "true"),
        (EdmType::Decimal { precision: None, scale: None }, Form::Canonical, "numeric", "1.50", "1.5"),
        (EdmType::Double, Form::Canonical, "float8", "0.1", "0.1"),
        (EdmType::Double, Form::Canonical, "float8", "-Infinity", "-INF"),
        (EdmType::Double, Form::Canonical, "float8", "NaN", "NaN"),
        (EdmType::Single, Form::Canonical, "float4", "0.1", "0.1"),
        (EdmType::Single, Form::Canonical, "float4", "NaN", "NaN"),
        (
            EdmType::Guid,
            Form::Canonical,
            "uuid",
            "01234567-89ab-cdef-0123-456789abcdef",
            "01234567-89AB-cdef-0123-456789abcdef",
        ),
        (EdmType::Date, Form::Canonical, "date", "2024-02-29", "2024-02-29"),
        (EdmType::TimeOfDay, Form::Canonical, "time", "12:30:00", "12:30"),
        (
            EdmType::DateTimeOffset,
            Form::Canonical,
            "timestamptz",
            "2024-05-01 10:00+02",
            "2024-05-01T08:00:00Z",
        ),
        (EdmType::DateTimeOffset, Form::Local, "timestamp", "2024-05-01 10:00", "2024-05-01T10:00:00Z"),
        (EdmType::Duration, Form::Canonical, "interval", "24:00:00", "duration'P1D'"),
        (EdmType::Binary, Form::Canonical, "bytea", "\\x00ff", "binary'AP8'"),
        (text, Form::Padded, "char(4)", "ab", "'ab'"),
        (text, Form::Converted, "name", "a''b", "'a''b'"),
        (text, Form::Canonical, "text COLLATE \"en-x-icu\"", "ä/%", "'%C3%A4%2F%25'"),
    ] {
        let key = Column { nullable: false, ..column("key", ty, form, false) };
        let key = Column { storage: Storage { collation: Collation::Linguistic, ..key.storage }, ..key };
        let sql =
            format!("CREATE TABLE \"K\" (key {declared} PRIMARY KEY); INSERT INTO \"K\" VALUES ('{stored}')");
        let database = Postgres::new(&sql, vec![table("K", vec![key], &["key"])]);
        let body = database.body(&format!("/K({address})"));
        assert!(body.contains("\"key\":"), "{declared}: {body:?}");
        assert_eq!(database.walk("/K", 1).unwrap().len(), 1, "{declared}");
        assert_eq!(database.body("/K/$count"), "1", "{declared}");
    }
}

#[test]
fn rows_whose_key_is_no_value_or_shared_have_no_address() {
    let key = |name: &str, ty| Column { nullable: true, ..column(name, ty, Form::Canonical, false) };
    let columns = vec![key("a", EdmType::Date), key("b", EdmType::Int32)];
    let view = Table { key_is_enforced: false, ..table("V", columns, &["a", "b"]) };
    let sql =
        "CREATE VIEW \"V\" (a, b) AS VALUES ('2024-01-01'::date, 1), ('2024-01-01', 1), ('2024-01-01', 2),
        ('infinity', 3), (NULL, 4), ('2024-01-02', NULL), ('2024-01-03', 5)";
    let database = Postgres::new(sql, vec![view]);
    let rows: Vec<_> = database.walk("/V", 1).unwrap().iter().map(|row| row["b"].as_i64().unwrap()).collect();
    assert_eq!(rows, [2, 5]);
    assert_eq!(database.body("/V/$count"), "2");
    assert_eq!(database.body("/V(a=2024-01-01,b=1)"), "");
    assert!(database.body("/V(a=2024-01-01,b=2)").contains("\"b\":2"));
    let shared =
        odata::plan::count_shared(&database.model().entity_types[0], odata::sql::Dialect::Postgres).unwrap();
    assert_eq!(database.number(&shared), Ok(2));
}

/// Texts of which a next link contains only the beginning.
#[test]
fn pages_by_long_texts_lose_and_repeat_nothing() {
    let text = EdmType::String { max_length: None };
    let columns =
        vec![column("id", EdmType::Int32, Form::Canonical, true), column("s", text, Form::Canonical, true)];
    let sql = "CREATE TABLE \"L\" (id int4 PRIMARY KEY, s text);
        INSERT INTO \"L\" SELECT x, repeat('ä', 20000) || x FROM generate_series(1, 9) AS x";
    let database = Postgres::new(sql, vec![table("L", columns, &["id"])]);
    for order in ["s", "s%20desc"] {
        let mut ids = database.ids(&format!("/L?$orderby={order}&$select=id"), 2).unwrap();
        if order != "s" {
            ids.reverse();
        }
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9], "{order}");
    }
}

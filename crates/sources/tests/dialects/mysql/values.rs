//! Values and answers that the standard names, one by one.

use odata::edm_type::EdmType;
use odata::error::Reason;
use odata::form::Form;
use odata::model::{Collation, Column, Storage, Table};
use odata::sql::Dialect;
use odata::statement::Unanswerable;

use super::columns::sample;
use super::database::Mysql;
use crate::database::{Database as _, table};
use crate::requests::encoded;

fn column(name: &str, ty: EdmType, form: Form, is_guaranteed: bool) -> Column {
    let is_textual = matches!(ty, EdmType::String { .. });
    let collation = if is_textual { Collation::Unknown } else { Collation::Binary };
    let storage = Storage { form, is_guaranteed, is_textual, collation, ..Storage::default() };
    Column { name: name.to_owned(), ty, nullable: name != "id", storage }
}

fn one() -> Mysql {
    let text = EdmType::String { max_length: None };
    let columns = vec![
        column("id", EdmType::Int32, Form::Canonical, true),
        column("s", text, Form::Canonical, true),
        column("n", EdmType::Int64, Form::Canonical, true),
        column("f", EdmType::Double, Form::Canonical, true),
        column("r", EdmType::Single, Form::Canonical, true),
        column("d", EdmType::Decimal { precision: None, scale: None }, Form::Canonical, true),
        column("at", EdmType::DateTimeOffset, Form::Canonical, false),
    ];
    let sql = "SET time_zone = '+00:00'; CREATE TABLE One (id int PRIMARY KEY, s text, n bigint, f double, r float, \
               d decimal(20,5), at timestamp(6));
        INSERT INTO One VALUES (1, 'Straße 😀 x', -9223372036854775808, 2.5, 0.1, 2.5, '2024-02-29 23:59:59.123456')";
    Mysql::new(sql, vec![table("One", columns, &["id"])])
}

#[test]
fn mariadb_answers_what_the_standard_says() {
    let database = one();
    for condition in [
        "contains(s,'ße') and not contains(s,'SSE') and contains(s,'') and not contains(s,'straße')",
        "startswith(s,'Str') and endswith(s,'x') and endswith(s,'') and not startswith(s,'%') and not startswith(s,'str')",
        "endswith(s,tolower('X')) and startswith(s,concat('S','t')) and startswith(s,'')",
        "length(s) eq 10 and indexof(s,'😀') eq 7 and indexof(s,'q') eq -1 and indexof(s,'') eq 0",
        "toupper(s) eq 'STRAßE 😀 X' and tolower(s) eq 'straße 😀 x'",
        "substring(s,7) eq '😀 x' and substring(s,-1) eq 'x' and substring(s,7,1) eq '😀'",
        "substring(s,-3,1) eq '😀' and substring(s,99) eq '' and substring(s,0,length(s)) eq s",
        "substring(s,n) eq s and substring(s,n,9223372036854775807) eq s and substring(s,1,0) eq ''",
        "trim(concat(concat('\u{3000} ',s),'\u{a0}\t')) eq s and trim(' ') eq ''",
        "concat(s,'!') gt s and s lt 'T' and s gt 'S' and 'a' gt 'B'",
        "s ne 'straße 😀 x' and s ne 'Straße 😀 x ' and s eq 'Straße 😀 x' and s in ('a','Straße 😀 x')",
        "not (s in ('STRASSE 😀 X','Straße 😀 x ','b','c','d','e','f','g','h','i'))",
        "n sub 1 lt n and -n gt 9223372036854775806 and n mod 10 eq -8 and n sub 9 add 9 eq n",
        "7 div 2 eq 3 and -7 div 2 eq -3 and -7 mod 2 eq -1 and 7 divby 2 eq 3.5 and 7.0 div 2 eq 3.5",
        "round(f) eq 3 and round(-f) eq -3 and round(d) eq 3 and floor(-d) eq -3 and ceiling(f) eq 3",
        "round(n) eq n and floor(n) eq n and round(0.49999999999999994e0) eq 0 and round(1e300) eq 1e300",
        "5.5e0 mod 2 eq 1.5 and 0.3 mod 0.1 eq 0",
        "year(at) eq 2024 and month(at) eq 2 and day(at) eq 29 and hour(at) eq 23 and minute(at) eq 59",
        "second(at) eq 59 and fractionalseconds(at) eq 0.123456 and date(at) eq 2024-02-29",
        "time(at) eq 23:59:59.123456 and time(at) lt 23:59:59.1234561 and now() gt at",
        "fractionalseconds(12:00:00.0000001) eq 0.0000001 and second(12:00:59.9999999) eq 59",
        "year(0000-05-01) eq 0 and year(-0044-03-15) eq -44 and 9999-12-31T23:59:59.9999999Z gt 9999-12-31T23:59:59.999999Z",
        "at lt 2024-02-29T23:59:59.1234561Z and not (at ge 2024-02-29T23:59:59.1234561Z)",
        "not (s eq 'a\0b') and s gt 'S\0' and not contains(s,'\0') and indexof(s,'\0') eq -1",
        "contains(concat(s,'\0'),'\0') and length('a\0b') eq 3 and concat(s,'\\') ne concat(s,'\\\\')",
        "d eq 2.5e0 and d lt 1e300 and n lt 1e19 and n eq -9223372036854775808e0 and f eq 2.50",
        "r eq 0.1 and not (r ne 0.1) and r lt 0.1000000001 and r gt 0.0999999999 and r in (0.1,0.2)",
        "not (r in (0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.1,1.2)) and r in (0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.1,0.1)",
        "not ((d add 0) in (2.5000000000000000001,1e0)) and (d add 0) in (1e0,2.5) and not (d in (2.5000000000000000001,1e0))",
        "f lt INF and f gt -INF and f ne NaN and not (f eq NaN) and not (f lt NaN) and f ne INF and INF gt 1",
        "d lt INF and n gt -INF and not (d eq INF) and not (n in (1,-2))",
    ] {
        assert!(database.holds(condition), "{condition}");
    }
}

/// There is no infinity, so that a division by zero fails, but only where it decides.
#[test]
fn what_has_no_answer_fails_for_the_rows_that_need_it() {
    let database = one();
    for (condition, reason) in [
        ("1 div (id sub 1) eq 1", Unanswerable::DivisionByZero),
        ("n mod (id sub 1) eq 1", Unanswerable::DivisionByZero),
        ("d div (d sub d) eq 1", Unanswerable::DivisionByZero),
        ("id divby (id sub 1) eq 1", Unanswerable::DivisionByZero),
        ("f div (f sub f) eq 1", Unanswerable::DivisionByZero),
        ("substring(s,0,id sub 2) eq 'a'", Unanswerable::NegativeLength),
        ("f mul 1e308 gt 1", Unanswerable::OutOfRange),
    ] {
        let url = |condition: &str| format!("/One?$filter={}", encoded(condition));
        assert_eq!(database.walk(&url(condition), 10), Err(reason), "{condition}");
        for guarded in [format!("id eq 2 and {condition}"), format!("not (id eq 1 or {condition})")] {
            assert_eq!(database.walk(&url(&guarded), 10), Ok(Vec::new()), "{guarded}");
        }
    }
    for condition in ["f add INF gt 1", "f mul NaN eq 1"] {
        let error = database.plan(&format!("/One?$filter={}", encoded(condition)), 10, None).unwrap_err();
        assert!(matches!(error.reason, Reason::NotImplemented(_)), "{condition}: {error}");
    }
}

#[test]
fn a_division_by_zero_fails_whatever_the_divisor_is_called() {
    for name in ["n", "z", "a", "x"] {
        let sql =
            format!("CREATE TABLE T (id integer PRIMARY KEY, {name} integer); INSERT INTO T VALUES (1, 0)");
        let columns = ["id", name].map(|name| column(name, EdmType::Int32, Form::Canonical, true));
        let database = Mysql::new(&sql, vec![table("T", columns.into(), &["id"])]);
        for operator in ["div", "divby", "mod"] {
            let walked = database.walk(&format!("/T?$filter=id%20{operator}%20{name}%20eq%20null"), 10);
            assert_eq!(walked, Err(Unanswerable::DivisionByZero), "{operator} {name}");
        }
    }
}

#[test]
fn terms_that_are_the_same_for_all_rows_order_nothing() {
    let sql = "CREATE TABLE T (id integer PRIMARY KEY, n integer); INSERT INTO T VALUES (1, 1), (2, 3), (3, 2), (4, 2)";
    let columns = ["id", "n"].map(|name| column(name, EdmType::Int32, Form::Canonical, true));
    let database = Mysql::new(sql, vec![table("T", columns.into(), &["id"])]);
    for (order, expected) in [
        ("not (id ge 1e19),n desc", [4, 3]),
        ("n desc,not (id ge 1e19)", [3, 4]),
        ("(id eq 1e-1) desc", [3, 2]),
        ("length('a'),n,now() desc", [4, 3]),
    ] {
        let url = format!("/T?$orderby={}&$skip=1&$top=2", encoded(order).replace("%2C", ","));
        assert_eq!(database.ids(&url, 1).unwrap(), expected, "{order}");
    }
}

/// Operands that are written twice cannot make a statement grow without an end.
#[test]
fn deeply_nested_operands_are_refused() {
    let database = one();
    let nested =
        |depth: usize| (0..depth).fold("s".to_owned(), |inner, _| format!("substring({inner},id sub 1)"));
    assert!(database.holds(&format!("{} eq s", nested(4))));
    let url = format!("/One?$filter={}", encoded(&format!("{} eq s", nested(14))));
    let error = database.plan(&url, 10, None).unwrap_err();
    assert!(matches!(error.reason, Reason::TooComplex), "{error}");
}

#[test]
fn values_that_are_none_are_shown_as_null() {
    let sample = sample(3, 80);
    let database = Mysql::new(&sample.sql, vec![sample.table()]);
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
        (EdmType::Boolean, Form::Canonical, "bit(1)", "b'1'", "true"),
        (EdmType::Int64, Form::Converted, "bit(9)", "b'100000001'", "257"),
        (EdmType::Decimal { precision: None, scale: None }, Form::Canonical, "decimal(5,2)", "1.50", "1.5"),
        (
            EdmType::Decimal { precision: Some(20), scale: Some(0) },
            Form::Canonical,
            "bigint unsigned",
            "18446744073709551615",
            "18446744073709551615",
        ),
        (EdmType::Double, Form::Canonical, "double", "0.1", "0.1"),
        (EdmType::Single, Form::Canonical, "float", "0.1", "0.1"),
        (
            EdmType::Guid,
            Form::Canonical,
            "uuid",
            "'01234567-89ab-4def-8123-456789abcdef'",
            "01234567-89AB-4def-8123-456789abcdef",
        ),
        (EdmType::Date, Form::Canonical, "date", "'2024-02-29'", "2024-02-29"),
        (EdmType::TimeOfDay, Form::Canonical, "time", "'12:30:00'", "12:30"),
        (EdmType::DateTimeOffset, Form::Local, "datetime", "'2024-05-01 10:00'", "2024-05-01T10:00:00Z"),
        (EdmType::Binary, Form::Canonical, "varbinary(9)", "x'00ff'", "binary'AP8'"),
        (text, Form::Canonical, "char(4)", "'ab'", "'ab'"),
        (text, Form::Canonical, "varchar(9)", "'ä/%'", "'%C3%A4%2F%25'"),
        (text, Form::Converted, "enum('b','a')", "'a'", "'a'"),
        (text, Form::Converted, "inet4", "'10.0.0.1'", "'10.0.0.1'"),
    ] {
        let key = Column { nullable: false, ..column("k", ty, form, false) };
        let sql = format!("CREATE TABLE K (k {declared} PRIMARY KEY); INSERT INTO K VALUES ({stored})");
        let database = Mysql::new(&sql, vec![table("K", vec![key], &["k"])]);
        let body = database.body(&format!("/K({address})"));
        assert!(body.contains("\"k\":"), "{declared}: {body:?}");
        assert_eq!(database.walk("/K", 1).unwrap().len(), 1, "{declared}");
        assert_eq!(database.body("/K/$count"), "1", "{declared}");
    }
}

/// Under the collation of the column, these keys are in another order and equal to other texts.
#[test]
fn pages_by_a_key_of_text_lose_and_repeat_nothing() {
    let text = EdmType::String { max_length: None };
    let key = Column { nullable: false, ..column("k", text, Form::Canonical, true) };
    let sql = "CREATE TABLE K (k varchar(9) COLLATE utf8mb4_unicode_ci PRIMARY KEY);
        INSERT INTO K VALUES ('b'), ('A'), ('Ö'), ('z'), ('_'), ('c d'), ('o2')";
    let database = Mysql::new(sql, vec![table("K", vec![key.clone()], &["k"])]);
    let keys = |url: &str| -> Vec<String> {
        let rows = database.walk(url, 2).unwrap();
        rows.iter().map(|row| row["k"].as_str().unwrap().to_owned()).collect()
    };
    let mut all = keys("/K");
    all.sort();
    assert_eq!(all, ["A", "_", "b", "c d", "o2", "z", "Ö"]);
    assert_eq!(keys("/K?$orderby=k"), all);
    assert_eq!(database.body("/K('a')"), "", "another key");
    assert_eq!(database.body("/K('o2 ')"), "", "another key");
    // Declared keys may be equal in the collation of their column and still be two keys.
    let sql = "CREATE TABLE K (k varchar(9) COLLATE utf8mb4_unicode_ci NOT NULL);
        INSERT INTO K VALUES ('b'), ('B'), ('ä'), ('a'), ('A'), ('A '), ('x'), ('x')";
    let declared = Table { key_is_enforced: false, ..table("K", vec![key], &["k"]) };
    let database = Mysql::new(sql, vec![declared]);
    let rows = database.walk("/K", 2).unwrap();
    let keys: Vec<&str> = rows.iter().map(|row| row["k"].as_str().unwrap()).collect();
    assert_eq!(keys, ["A", "A ", "B", "a", "b", "ä"]);
    assert!(database.body("/K('B')").contains("\"B\""));
    let shared = odata::plan::count_shared(&database.model().entity_types[0], Dialect::Mysql).unwrap();
    assert_eq!(database.number(&shared), Ok(2));
}

#[test]
fn rows_whose_key_is_no_value_have_no_address() {
    let key = |name: &str, ty| Column { nullable: true, ..column(name, ty, Form::Canonical, false) };
    let columns = vec![key("a", EdmType::Date), key("b", EdmType::Int32)];
    let view = Table { key_is_enforced: false, ..table("V", columns, &["a", "b"]) };
    let sql = "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE V (a date, b int);
        INSERT INTO V VALUES ('2024-01-01', 1), ('2024-01-01', 1), ('2024-01-01', 2), ('0000-00-00', 3), (NULL, 4),
        ('2024-01-02', NULL), ('2024-01-03', 5), ('2024-02-31', 6)";
    let database = Mysql::new(sql, vec![view]);
    let rows: Vec<_> = database.walk("/V", 1).unwrap().iter().map(|row| row["b"].as_i64().unwrap()).collect();
    assert_eq!(rows, [2, 5]);
    assert_eq!(database.body("/V/$count"), "2");
    assert_eq!(database.body("/V(a=2024-01-01,b=1)"), "");
    assert!(database.body("/V(a=2024-01-01,b=2)").contains("\"b\":2"));
}

/// Texts of which a next link contains only the beginning, and which sort beyond the usual length.
#[test]
fn pages_by_long_texts_lose_and_repeat_nothing() {
    let text = EdmType::String { max_length: None };
    let columns =
        vec![column("id", EdmType::Int32, Form::Canonical, true), column("s", text, Form::Canonical, true)];
    let sql = "CREATE TABLE L (id int PRIMARY KEY, s longtext);
        INSERT INTO L SELECT seq, CONCAT(REPEAT('ä', 20000), 10 - seq) FROM seq_1_to_9";
    let database = Mysql::new(sql, vec![table("L", columns, &["id"])]);
    for order in ["s", "s%20desc"] {
        let mut ids = database.ids(&format!("/L?$orderby={order}&$select=id"), 2).unwrap();
        if order == "s" {
            ids.reverse();
        }
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9], "{order}");
    }
}

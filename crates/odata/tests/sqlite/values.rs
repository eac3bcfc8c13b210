//! Operators and functions, by their results on stored values.

use odata::edm_type::EdmType;
use odata::error::Kind;
use odata::plan::Plan;

use crate::database::{Database, table};

const TEXT: EdmType = EdmType::String { max_length: None };

fn database() -> Database {
    let columns = [
        ("id", EdmType::Int64, false),
        ("name", TEXT, false),
        ("price", EdmType::Decimal { precision: Some(10), scale: Some(2) }, false),
        ("day", EdmType::Date, true),
        ("at", EdmType::DateTimeOffset, true),
        ("clock", EdmType::TimeOfDay, true),
        ("guid", EdmType::Guid, true),
        ("weight", EdmType::Double, true),
        ("wait", EdmType::Duration, true),
    ];
    let sql = "CREATE TABLE T (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2) NOT NULL, day DATE, at DATETIME,
          clock TIME, guid, weight REAL, wait);
        INSERT INTO T VALUES
          (1, 'Ärger', 10, '2024-02-29', '2024-05-01 12:00:00', '12:30', '01234567-89AB-CDEF-0123-456789ABCDEF', 2.5, 'PT90S'),
          (2, ' Milk ', 2.55, '2024-03-01 00:00:00', '2024-05-01T14:00:00.250+02:00', '12:30:15', x'0123456789ABCDEF0123456789ABCDEF', -2.5, 'PT1M30S'),
          (3, 'O''Neil', -7.5, NULL, '2024-05-01T23:30:00-05:00', NULL, '01234567-89ab-cdef-0123-456789abcdef', NULL, '-PT0.25S'),
          (4, 'x😀y', 0, '2023-12-31', NULL, '00:00:00', NULL, 0.5, NULL)";
    Database::new(sql, vec![table("T", &columns, &["id"])])
}

/// Filters and the ids that they select.
const CASES: &[(&str, &[i64])] = &[
    ("name eq 'O''Neil'", &[3]),
    ("contains(name,'il')", &[2, 3]),
    ("startswith(name,'Ä')", &[1]),
    ("startswith(tolower(name),'ä')", &[1]),
    ("endswith(name,'y')", &[4]),
    ("endswith(name,'')", &[1, 2, 3, 4]),
    ("startswith(name,name)", &[1, 2, 3, 4]),
    ("tolower(name) eq 'ärger'", &[1]),
    ("toupper(name) eq 'ÄRGER'", &[1]),
    ("length(name) eq 3", &[4]),
    ("indexof(name,'y') eq 2", &[4]),
    ("indexof(name,'q') eq -1", &[1, 2, 3, 4]),
    ("substring(name,1) eq 'rger'", &[1]),
    ("substring(name,1,1) eq '😀'", &[4]),
    ("substring(name,-1) eq 'y'", &[4]),
    ("trim(name) eq 'Milk'", &[2]),
    ("concat(concat(name,'-'),'z') eq 'Ärger-z'", &[1]),
    ("price add 2.45 eq 5.00", &[2]),
    ("price sub 0.55 eq 2.00", &[2]),
    ("price div 4 eq 2.5", &[1]),
    ("price mul 2 eq -15", &[3]),
    ("id divby 2 eq 0.5", &[1]),
    ("id div 2 eq 1", &[2, 3]),
    ("id mod 2 eq 1", &[1, 3]),
    ("price mod 4 eq -3.5", &[3]),
    ("-id eq -2", &[2]),
    ("-price gt 7", &[3]),
    ("round(weight) eq 3", &[1]),
    ("round(weight) eq -3", &[2]),
    ("floor(price) eq -8", &[3]),
    ("ceiling(price) eq 3", &[2]),
    ("floor(weight) eq 0", &[4]),
    ("day eq 2024-02-29", &[1]),
    ("day eq 2024-03-01", &[2]),
    ("day gt 2024-02-29", &[2]),
    ("day le 2024-03-01", &[1, 2, 4]),
    ("day eq '2024-03-01'", &[2]),
    ("day ne 2024-03-01", &[1, 3, 4]),
    ("not (day gt 2024-02-29)", &[1, 3, 4]),
    ("day in (2024-02-29,2023-12-31)", &[1, 4]),
    ("at eq 2024-05-01T12:00:00Z", &[1]),
    ("at eq 2024-05-01T12:00:00.250Z", &[2]),
    ("at gt 2024-05-01T14:00:00%2B02:00", &[2, 3]),
    ("at lt 2024-05-02T00:00:00Z", &[1, 2]),
    ("at ne 2024-05-01T12:00:00Z", &[2, 3, 4]),
    ("at eq at", &[1, 2, 3, 4]),
    ("at lt now()", &[1, 2, 3]),
    ("year(at) eq 2024 and month(at) eq 5 and day(at) eq 2", &[3]),
    ("hour(at) eq 12", &[1, 2]),
    ("hour(2024-05-01T14:00:00Z) eq 14 and hour(2024-05-01T14:00:00%2B00:00) eq 14", &[1, 2, 3, 4]),
    ("minute(2024-05-01T14:30:00%2B02:00) eq 30 and second(2024-05-01T14:00:07-09:30) eq 7", &[1, 2, 3, 4]),
    ("minute(clock) eq 30 and second(clock) eq 15", &[2]),
    ("fractionalseconds(at) eq 0.25", &[2]),
    ("date(at) eq 2024-05-02", &[3]),
    ("time(at) eq 12:00:00", &[1]),
    ("clock eq 12:30", &[1]),
    ("clock gt 12:30:00", &[2]),
    ("year(day) lt 2024", &[4]),
    ("guid eq 01234567-89ab-cdef-0123-456789abcdef", &[1, 2, 3]),
    ("guid ne 01234567-89ab-cdef-0123-456789abcdef", &[4]),
    ("guid eq '01234567-89AB-CDEF-0123-456789ABCDEF'", &[1, 2, 3]),
    ("id in (1,3,99)", &[1, 3]),
    ("not (id in (1,3))", &[2, 4]),
    ("id in ()", &[]),
    ("$it/id eq 1", &[1]),
    ("id eq 1 or id eq 2 and id eq 3", &[1]),
    ("(id eq 1 or id eq 2) and not (id eq 2)", &[1]),
    ("(id eq 1) eq true", &[1]),
    ("weight gt -INF", &[1, 2, 4]),
    ("weight eq 2.5e0", &[1]),
    ("true", &[1, 2, 3, 4]),
];

#[test]
fn operators_and_functions_give_what_the_standard_says() {
    let database = database();
    for (filter, expected) in CASES {
        let url = format!("T?$filter={filter}");
        assert_eq!(database.ids(&url), *expected, "{filter}");
    }
}

/// Filters about conditions, types and the bounds of instants, and the ids that they select.
const CONVERSIONS: &[(&str, &[i64])] = &[
    ("case(price gt 5:'high',price lt 0:'low',true:'fair') eq 'low'", &[3]),
    ("case(price gt 5:'high',price lt 0:'low') eq null", &[2, 4]),
    ("case(weight gt 0:true) and id lt 4", &[1]),
    ("not case(weight gt 0:true,weight lt 0:false)", &[2]),
    ("case(weight gt 0:1,true:2.5) add 0.5 eq 3", &[2, 3]),
    ("case(id eq 1:price,true:weight) eq 10", &[1]),
    ("case(id eq 1:day,true:'2024-02-29') eq 2024-02-29", &[1, 2, 3, 4]),
    ("case(day eq null:null,true:1) eq null", &[3]),
    ("case(true:null) eq null", &[1, 2, 3, 4]),
    ("CASE( id eq 1 : 12:30:00 , true : clock ) eq 12:30:15", &[2]),
    ("case(clock eq 12:30:1,clock eq 00:00:00 : 2) ge 1", &[1, 4]),
    ("case(id eq 1:12:30,true:12:30:15) eq clock", &[1, 2]),
    ("case(id gt 2:1,(id eq 2):2) eq 2 and case(not (id eq 2):id) eq null", &[2]),
    ("case(at gt 2024-05-01T23:00:00Z:1) eq 1", &[3]),
    ("case(case(id gt 2:true):1,true:0) eq 1", &[3, 4]),
    ("length(case(id eq 1:name,true:'')) eq 5", &[1]),
    ("case(id eq 1:weight div 0,true:weight) eq null", &[3]),
    ("case(id in (1,2):name eq name) eq true", &[1, 2]),
    ("cast(weight,Edm.Int32) eq 3", &[1]),
    ("cast(weight,Edm.Int32) eq -3", &[2]),
    ("cast(weight,Edm.Byte) eq null", &[2, 3]),
    ("cast(price,Edm.Int64) add 1 eq 11", &[1]),
    ("cast(price,Edm.Int64) div 4 eq 2", &[1]),
    ("cast(id mul 100,Edm.SByte) eq null", &[2, 3, 4]),
    ("cast(9223372036854775807e0,Edm.Int64) eq null", &[1, 2, 3, 4]),
    ("cast(INF,Edm.Int64) eq null and cast(NaN,Edm.Int16) eq null", &[1, 2, 3, 4]),
    ("cast(id,Edm.Decimal) div 2 eq 0.5", &[1]),
    ("cast(id,Edm.Double) div 2 eq 0.5", &[1]),
    ("cast(price,Edm.Double) eq 2.55e0", &[2]),
    ("cast(name,Edm.String) eq name and cast(day,Edm.Date) eq day", &[1, 2, 3, 4]),
    ("cast(null,Edm.Int32) eq null", &[1, 2, 3, 4]),
    ("cast(id,Edm.String) eq '1'", &[1]),
    ("cast(id mul 10,Edm.String) in ('20','40')", &[2, 4]),
    ("contains(cast(id add 9223372036854775807,Edm.String),'9')", &[]),
    ("cast(id gt 2,Edm.String) eq 'false'", &[1, 2]),
    ("cast(concat('1',cast(id,Edm.String)),Edm.Int32) sub id eq 10", &[1, 2, 3, 4]),
    (
        "cast('x',Edm.Int32) eq null and cast('true',Edm.Boolean) and cast('300',Edm.Byte) eq null",
        &[1, 2, 3, 4],
    ),
    ("cast(name,Edm.Boolean) eq null and cast(name,Edm.Int64) eq null", &[1, 2, 3, 4]),
    ("isof(id,Edm.Int64)", &[1, 2, 3, 4]),
    ("isof(id,Edm.Int32) or isof(name,Edm.Guid) or isof(null,Edm.String)", &[]),
    ("isof(day,Edm.Date)", &[1, 2, 4]),
    ("isof(clock,Edm.PrimitiveType)", &[1, 2, 4]),
    ("isof(id add 1,Edm.Int64) and not isof(price,Edm.Double)", &[1, 2, 3, 4]),
    ("mindatetime() lt at and at lt maxdatetime()", &[1, 2, 3]),
    ("year(maxdatetime()) eq 9999 and second(maxdatetime()) eq 59", &[1, 2, 3, 4]),
    ("totaloffsetminutes(at) eq 0", &[1, 2, 3]),
    ("totaloffsetminutes(at) eq null", &[4]),
    ("totaloffsetminutes(2024-05-01T14:00:00-09:30) eq -570", &[1, 2, 3, 4]),
    ("totaloffsetminutes(now()) eq 0", &[1, 2, 3, 4]),
    ("totalseconds(duration'-PT1M0.5S') eq -60.5", &[1, 2, 3, 4]),
    ("totalseconds(case(id eq 1:duration'P1D',id eq 2:duration'PT90S')) gt 89", &[1, 2]),
    ("totalseconds(wait) eq 90", &[1, 2]),
    ("totalseconds(wait) eq -0.25", &[3]),
    ("totalseconds(wait) eq null", &[4]),
];

#[test]
fn conditions_and_conversions_give_what_the_standard_says() {
    let database = database();
    for (filter, expected) in CONVERSIONS {
        assert_eq!(database.ids(&format!("T?$filter={filter}")), *expected, "{filter}");
    }
    let computed = database.body("T?$compute=case(price gt 5:'high',true:null) as Level,cast(weight,Edm.Int16) as Whole&$select=id,Level,Whole");
    let body: serde_json::Value = serde_json::from_str(&computed).unwrap();
    assert_eq!(body["value"][0], serde_json::json!({"id": 1, "Level": "high", "Whole": 3}));
    assert_eq!(body["value"][2], serde_json::json!({"id": 3, "Level": null, "Whole": null}));
}

#[test]
fn nested_casts_are_no_longer_than_their_text() {
    let mut nested = "price".to_owned();
    for _ in 0..14 {
        nested = format!("totalseconds(duration'PT1S') add cast({nested},Edm.Int32)");
    }
    let url = format!("T?$filter={nested} gt 20");
    let Plan::Entities(query) = database().plan(&url, 10, None).unwrap() else { panic!("{url}") };
    let sql = &query.statement.sql;
    assert!(sql.len() < 10 * url.len(), "{sql}");
}

#[test]
fn conditions_and_conversions_without_a_meaning_are_refused() {
    let database = database();
    for (filter, code) in [
        ("case(id:1) eq 1", "TypeMismatch"),
        ("case(id eq 1:1,true:name) eq 1", "TypeMismatch"),
        ("case(id eq 1:1,true:day) eq 1", "TypeMismatch"),
        ("case() eq 1", "SyntaxError"),
        ("case(id eq 1) eq 1", "SyntaxError"),
        ("case(id eq 1:) eq 1", "SyntaxError"),
        ("case(id eq 1:1 eq 1", "SyntaxError"),
        ("cast() eq 1", "ArgumentCount"),
        ("cast(id,Edm.Int32,Edm.Int32) eq 1", "ArgumentCount"),
        ("now(1) eq null", "ArgumentCount"),
        ("mindatetime(id) eq null", "ArgumentCount"),
        ("totaloffsetminutes(id) eq 0", "TypeMismatch"),
        ("totalseconds(at) gt 1", "TypeMismatch"),
    ] {
        assert_eq!(database.error(&format!("T?$filter={filter}")).code(), code, "{filter}");
    }
}

#[test]
fn what_is_valid_but_unsupported_is_refused_as_not_implemented() {
    let database = database();
    for url in [
        "T?$expand=Ns.x",
        "T?$filter=name/any(x:x/id eq 1)",
        "T?$filter=geo.distance(a,b) lt 1",
        "T?$filter=name has Ns.E'x'",
        "T?$filter=cast(weight,Edm.String) eq '1'",
        "T?$filter=cast(price,Edm.String) eq '1'",
        "T?$filter=cast(day,Edm.DateTimeOffset) ne null",
        "T?$filter=cast(name,Edm.Date) ne null",
        "T?$filter=cast(name,Edm.Decimal) ne null",
        "T?$filter=cast(weight,Edm.Decimal) eq 1",
        "T?$filter=cast(weight,Edm.Single) eq 1",
        "T?$filter=cast(id,Edm.PrimitiveType) eq 1",
        "T?$filter=case(id eq 1:clock,true:12:30:00.0000001) eq clock",
        "T?$filter=case(id eq 1:mindatetime()) eq at",
        "T?$filter=cast(id,Ns.Kind) eq 1",
        "T?$filter=cast(Ns.T) ne null",
        "T?$filter=isof(Ns.T)",
        "T?$filter=isdefined(id)",
        "T?$filter=aggregate(price with sum as total) gt 1",
        "T?$filter=$these/aggregate(price with max) gt 1",
        "T?$filter=id eq @p/x&@p=1",
        "T?$filter=@Core.p eq 1",
        "T?$filter=matchesPattern(name,'a')",
        "T?$filter=id in [1,2] and {} eq null",
        "$batch",
        "$all",
        "$crossjoin(T)/T",
        "$crossjoin(T)?$compute=T/id add 1 as more",
        "$crossjoin(T)?$search=x",
        "$crossjoin(T)?$apply=top(1)/aggregate($count as n)",
        "$crossjoin(T)?$expand=T($expand=*)",
        "$entity?$id=x",
        "T/$ref",
        "T(1)/$ref",
        "T(1)/$value",
        "T/$query",
        "T/Ns.Cast",
        "T?$select=a/b",
        "T?$select=name($top=1)",
        "T?$format=atom",
        "T?$filter=guid gt 01234567-89ab-cdef-0123-456789abcdef",
        "T?$filter=at add duration'P1D' gt now()",
        "T?$schemaversion=3",
        "T?$index=1",
    ] {
        assert_eq!(database.error(url).kind(), Kind::NotImplemented, "{url}: {}", database.error(url));
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_code_and_place() {
    let database = database();
    let deep = format!("T?$filter={}true{}", "(".repeat(40), ")".repeat(40));
    let long = format!("T?$filter={}", vec!["id lt 1"; 350].join(" or "));
    let chain = format!("T?$filter={}", vec!["id eq 1"; 1001].join(" or "));
    let row = format!("T?$filter=id{} eq 1", " add 1".repeat(120));
    let list = format!("T?$filter=id in ({})", vec!["1"; 1001].join(","));
    let order = format!("T?$orderby={}", ["id"; 9].join(","));
    let url = format!("T?x={}", "x".repeat(40_000));
    let cases: &[(&str, &str, Option<usize>)] = &[
        ("T?$filter=id eq", "SyntaxError", Some(3)),
        ("T?$filter=id eq 1)", "SyntaxError", Some(7)),
        ("T?$filter=(id eq 1", "SyntaxError", Some(8)),
        ("T?$filter=id eq 'a", "SyntaxError", Some(6)),
        ("T?$filter=", "SyntaxError", Some(0)),
        ("T?$filter=id eq 1 banana 2", "SyntaxError", Some(8)),
        ("T?$filter=id eq 1x", "BadLiteral", Some(6)),
        ("T?$filter=day eq 2024-13-01", "BadLiteral", Some(7)),
        ("T?$filter=id eq 'x'", "TypeMismatch", Some(3)),
        ("T?$filter=name eq 1", "TypeMismatch", Some(5)),
        ("T?$filter=day eq 'soon'", "TypeMismatch", Some(4)),
        ("T?$filter=name add 1 eq 2", "TypeMismatch", Some(0)),
        ("T?$filter=not id", "TypeMismatch", Some(4)),
        ("T?$filter=id", "TypeMismatch", Some(0)),
        ("T?$filter=length(id) eq 1", "TypeMismatch", Some(7)),
        ("T?$filter=length() eq 1", "ArgumentCount", Some(0)),
        ("T?$filter=frob(id)", "UnknownFunction", Some(0)),
        ("T?$filter=nope eq 1", "UnknownProperty", Some(0)),
        ("T?$filter=id div 0 eq 1", "DivisionByZero", Some(7)),
        ("T?$filter=id lt 0 and id div 0 eq 1", "DivisionByZero", Some(19)),
        ("T?$filter=id mod 0.0 eq 1", "DivisionByZero", Some(7)),
        ("T?$filter=weight mod 0e0 eq 1", "DivisionByZero", Some(11)),
        ("T?$orderby=price div 0", "DivisionByZero", Some(10)),
        ("T?$filter=substring(name,0,-1) eq ''", "NegativeLength", Some(17)),
        ("T?$filter=name eq \"x\"", "SyntaxError", Some(8)),
        ("T?$filter=\"name\" eq 'x'", "SyntaxError", Some(0)),
        ("T?$select=", "SyntaxError", Some(0)),
        ("T?$select=nope", "UnknownProperty", Some(0)),
        ("T?$select=id,,name", "SyntaxError", Some(3)),
        ("T?$orderby=id sideways", "SyntaxError", Some(3)),
        ("T?$top=-1", "BadOptionValue", Some(0)),
        ("T?$top=99999999999999999999", "BadOptionValue", Some(0)),
        ("T?$count=maybe", "BadOptionValue", Some(0)),
        ("T(1)?$top=1", "OptionNotApplicable", Some(0)),
        ("$metadata?$filter=true", "OptionNotApplicable", Some(0)),
        ("T('x')", "BadKey", Some(0)),
        ("T(1,2)", "BadKey", Some(0)),
        ("T(null)", "BadKey", Some(0)),
        ("T()", "BadKey", Some(0)),
        ("Nope", "ResourceNotFound", Some(0)),
        ("T(1)/nope", "ResourceNotFound", Some(5)),
        ("T/1", "ResourceNotFound", Some(2)),
        (&deep, "TooComplex", Some(32)),
        (&long, "TooComplex", None),
        (&chain, "TooComplex", None),
        (&row, "TooComplex", None),
        (&list, "TooComplex", None),
        (&order, "TooComplex", None),
        (&url, "UrlTooLong", None),
    ];
    for (url, code, offset) in cases {
        let error = database.error(url);
        assert_eq!(error.code(), *code, "{url}: {error}");
        if offset.is_some() {
            assert_eq!(error.offset(), *offset, "{url}: {error}");
        }
    }
}

#[test]
fn parts_of_a_literal_in_another_zone_than_utc_are_refused() {
    let database = database();
    for (filter, offset) in [
        ("hour(2024-05-01T14:00:00%2B02:00) eq 12", 5),
        ("date((2024-05-01T14:00:00-09:30)) eq day", 6),
        ("Year(2024-05-01T14:00%2B02:00) eq 2024", 5),
        ("minute(2024-05-01T14:00:00%2B05:30) eq 1", 7),
    ] {
        let error = database.error(&format!("T?$filter={filter}"));
        assert_eq!((error.code(), error.offset()), ("BadLiteral", Some(offset)), "{filter}: {error}");
    }
    for function in ["year", "month", "day", "hour", "minute", "date", "time"] {
        // A bare plus is a space in a query.
        for zone in ["+05:30", "%2B05:30", "-09:30", "+00:30"] {
            for url in [
                format!("T?$filter={function}(2024-05-01T14:00:00.5{zone}) ne null"),
                format!("T?$filter=id in ({function}( (2024-05-01T14:00{zone}) ))"),
                format!("T?$orderby={function}(2024-05-01T14:00:00{zone})"),
            ] {
                assert_eq!(database.error(&url).code(), "BadLiteral", "{url}");
            }
        }
    }
    for fine in [
        "second(2024-05-01T14:00:07+05:30) eq 7",
        "fractionalseconds(2024-05-01T14:00:07.5+05:30) eq 0.5",
        "minute(2024-05-01T14:30:00+02:00) eq 30",
        "hour(2024-05-01T14:30:00+00:00) eq 14",
        "hour(2024-05-01T14:30:00-00:00) eq 14",
    ] {
        assert_eq!(database.ids(&format!("T?$filter={fine}")), [1, 2, 3, 4], "{fine}");
    }
    // The key of a set that is named like a function is parsed completely.
    let sets = "CREATE TABLE Date (at DATETIME PRIMARY KEY, id INTEGER); INSERT INTO Date VALUES ('2024-05-01T12:00:00', 7)";
    let columns = [("at", EdmType::DateTimeOffset, false), ("id", EdmType::Int64, true)];
    let sets = Database::new(sets, vec![table("Date", &columns, &["at"])]);
    assert!(sets.plan("Date(2024-05-01T14:00:00%2B02:00)", 10, None).is_ok());
}

#[test]
fn nested_boolean_comparisons_cannot_blow_the_statement_up() {
    let columns = [("id", EdmType::Int64, false), ("f", EdmType::Boolean, true)];
    let database = Database::new(
        "CREATE TABLE T (id INTEGER PRIMARY KEY, f BOOLEAN)",
        vec![table("T", &columns, &["id"])],
    );
    // Each level is written twice.
    let mut filter = "f".to_owned();
    for _ in 0..14 {
        filter = format!("((({filter}) ge f) and f)");
    }
    match database.plan(&format!("T?$filter={filter}"), 10, None) {
        Ok(odata::plan::Plan::Entities(query)) => assert!(query.statement.sql.len() <= 400_000),
        Ok(_) => panic!(),
        Err(error) => assert_eq!(error.code(), "TooComplex"),
    }
}

#[test]
fn the_longest_expressions_that_are_read_also_run() {
    let database = database();
    let chain = vec!["id eq 1"; 125].join(" or ");
    assert_eq!(database.ids(&format!("T?$filter={chain}")), [1]);
    let nested = format!("{}f{}", "(id eq 1 or not ".repeat(30), ")".repeat(30)).replace('f', "(id eq 2)");
    assert!(database.plan(&format!("T?$filter={nested}"), 10, None).is_err());
    let nested = format!("{}(id eq 2){}", "(id eq 1 or not ".repeat(14), ")".repeat(14));
    assert_eq!(database.ids(&format!("T?$filter={nested}")), [1, 2]);
    let list = vec!["1"; 1000].join(",");
    assert_eq!(database.ids(&format!("T?$filter=id in ({list}) or id in ({list})")), [1]);
}

#[test]
fn decimals_have_the_declared_digits_whether_they_are_whole_or_not() {
    let database = database();
    let shown = |url: &str| {
        let body = database.body(url);
        body.split(r#""price":"#)
            .skip(1)
            .map(|rest| rest.split(['}', ',']).next().unwrap().to_owned())
            .collect()
    };
    let prices: Vec<String> = shown("T?$select=price");
    assert_eq!(prices, ["10.00", "2.55", "-7.50", "0.00"]);
    let prices: Vec<String> = shown("T?$select=price&$format=application/json;IEEE754Compatible=true");
    assert_eq!(prices, [r#""10.00""#, r#""2.55""#, r#""-7.50""#, r#""0.00""#]);
    assert_eq!(database.body("T(1)/price/$value"), "10.00");
    assert!(
        database.body("T?$select=price&$format=csv").ends_with("price\r\n10.00\r\n2.55\r\n-7.50\r\n0.00\r\n")
    );
}

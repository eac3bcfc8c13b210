//! `$apply` and `$compute`: the bodies, what is refused, and pages of groups.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::error::Kind;
use odata::plan::Plan;

use crate::database::{Database, reference, table};

const TEXT: EdmType = EdmType::String { max_length: None };

pub(crate) fn database() -> Database {
    let ships = [("id", EdmType::Int64, false), ("name", TEXT, true)];
    let mut visits = table(
        "Visits",
        &[
            ("id", EdmType::Int64, false),
            ("ship", EdmType::Int64, true),
            ("berth", TEXT, true),
            ("at", EdmType::DateTimeOffset, true),
            ("fee", EdmType::Decimal { precision: Some(10), scale: Some(2) }, true),
            ("weight", EdmType::Double, true),
        ],
        &["id"],
    );
    visits.foreign_keys.push(reference("ship", "Ships"));
    let sql = "CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO Ships VALUES (1, 'Aurora'), (2, 'Boreas'), (3, 'Calypso');
        CREATE TABLE Visits (id INTEGER PRIMARY KEY, ship INTEGER REFERENCES Ships, berth TEXT, at DATETIME, fee DECIMAL(10,2),
          weight REAL);
        INSERT INTO Visits VALUES
          (1, 1, 'A', '2023-12-31 10:00:00', 0.1, 1.5),
          (2, 1, 'B', '2024-02-29 10:00:00', 0.2, 2.5),
          (3, 2, 'A', '2024-05-01 10:00:00', NULL, NULL),
          (4, 2, NULL, '2024-05-01 11:00:00', 7, 4),
          (5, NULL, 'a', NULL, 12.25, 8)";
    Database::new(sql, vec![table("Ships", &ships, &["id"]), visits])
}

/// The context and the values of a page.
pub(crate) fn page(database: &Database, url: &str) -> (String, String) {
    let body = database.body(url);
    let (head, values) = body.split_once(",\"value\":").unwrap_or_else(|| panic!("{body}"));
    let (_, context) = head.split_once("$metadata#").unwrap();
    (context.trim_end_matches('"').to_owned(), values.strip_suffix('}').unwrap().to_owned())
}

/// Requests, with the context and the rows of their responses.
const CASES: &[(&str, &str, &str)] = &[
    (
        "Visits?$apply=groupby((ship),aggregate(fee with sum as Total,$count as Number))",
        "Visits(ship,Total,Number)",
        r#"[{"ship":null,"Total":12.25,"Number":1},{"ship":1,"Total":0.30,"Number":2},{"ship":2,"Total":7.00,"Number":2}]"#,
    ),
    (
        "Visits?$apply=filter(id lt 5)/compute(year(at) as Year)/groupby((Year),aggregate($count as N))&$orderby=Year desc",
        "Visits(Year,N)",
        r#"[{"Year":2024,"N":3},{"Year":2023,"N":1}]"#,
    ),
    (
        "Visits?$apply=groupby((berth))&$filter=berth ne null&$top=2&$skip=1",
        "Visits(berth)",
        r#"[{"berth":"B"},{"berth":"a"}]"#,
    ),
    (
        "Visits?$apply=aggregate(weight with average as Mean,weight with min as Least,at with max as Last,berth with countdistinct as Berths)",
        "Visits(Mean,Least,Last,Berths)",
        r#"[{"Mean":4.0,"Least":1.5,"Last":"2024-05-01T11:00:00Z","Berths":3}]"#,
    ),
    (
        "Visits?$apply=filter(id gt 9)/aggregate(fee with sum as Total,$count as N,id with max as Last,id with average as Mean)",
        "Visits(Total,N,Last,Mean)",
        r#"[{"Total":null,"N":0,"Last":null,"Mean":null}]"#,
    ),
    (
        "Visits?$apply=aggregate(berth with min as First,berth with max as Last)",
        "Visits(First,Last)",
        r#"[{"First":"A","Last":"a"}]"#,
    ),
    (
        "Visits?$apply=groupby((ship),aggregate($count as N))/aggregate(N with max as Most)",
        "Visits(Most)",
        r#"[{"Most":2}]"#,
    ),
    (
        "Visits?$apply=groupby((ship),aggregate($count as N))&$compute=N mul 10 as Tens&$select=Tens,ship&$filter=Tens gt 10",
        "Visits(ship,Tens)",
        r#"[{"ship":1,"Tens":20},{"ship":2,"Tens":20}]"#,
    ),
    (
        "Visits?$compute=fee mul 2 as Double,Double add 1 as More&$select=id,More&$filter=Double gt 1&$orderby=More desc",
        "Visits(id,More)",
        r#"[{"id":5,"More":25.5},{"id":4,"More":15}]"#,
    ),
    (
        "Ships?$compute=length(name) as Length",
        "Ships(*,Length)",
        r#"[{"id":1,"name":"Aurora","Length":6},{"id":2,"name":"Boreas","Length":6},{"id":3,"name":"Calypso","Length":7}]"#,
    ),
    (
        "Ships?$apply=compute(length(name) as Length)/filter(Length gt 6)&$select=*",
        "Ships(*,Length)",
        r#"[{"id":3,"name":"Calypso","Length":7}]"#,
    ),
    (
        "Ships?$compute=id add 9223372036854775805 as Big&$select=Big",
        "Ships(Big)",
        r#"[{"Big":9223372036854775806},{"Big":9223372036854775807},{"Big@Org.OData.Core.V1.ValueException":{"value":"9223372036854776000"},"Big":null}]"#,
    ),
    ("Ships?$apply=topcount(2,id)&$select=id", "Ships(id)", r#"[{"id":2},{"id":3}]"#),
    ("Ships?$apply=bottomcount(1,id)/identity&$select=id", "Ships(id)", r#"[{"id":1}]"#),
    ("Ships?$apply=orderby(name desc)/skip(1)/top(1)&$select=id", "Ships(id)", r#"[{"id":2}]"#),
    ("Ships?$apply=orderby(name desc)&$select=id", "Ships(id)", r#"[{"id":3},{"id":2},{"id":1}]"#),
    (
        "Ships?$compute=id add 1 as Next&$select=Next&$expand=Visits($select=id;$filter=id gt 3)",
        "Ships(Next,Visits(id))",
        r#"[{"Next":2,"Visits":[]},{"Next":3,"Visits":[{"id":4}]},{"Next":4,"Visits":[]}]"#,
    ),
    (
        "Visits?$apply=filter(ship ne null)/top(3)&$compute=fee mul 2 as Double&$select=Double&$expand=Ships($select=name)&$orderby=Double desc&$top=2",
        "Visits(Double,Ships(name))",
        r#"[{"Double":0.4,"Ships":{"name":"Aurora"}},{"Double":0.2,"Ships":{"name":"Aurora"}}]"#,
    ),
    (
        "Ships?$apply=skip(1)/filter(id lt 3)&$select=id&$expand=Visits($select=id;$top=1)",
        "Ships(id,Visits(id))",
        r#"[{"id":2,"Visits":[{"id":3}]}]"#,
    ),
    (
        "Visits?$apply=groupby((Ships/name,berth),aggregate($count as N))&$filter=Ships/name ne 'Boreas'&$orderby=Ships/name desc",
        "Visits(Ships(name),berth,N)",
        r#"[{"Ships":{"name":"Aurora"},"berth":"B","N":1},{"Ships":{"name":"Aurora"},"berth":"A","N":1},{"Ships":{"name":null},"berth":"a","N":1}]"#,
    ),
    (
        "Visits?$apply=groupby((Ships/name,ship,Ships/id))&$select=Ships/name,ship&$top=2",
        "Visits(Ships(name),ship)",
        r#"[{"Ships":{"name":null},"ship":null},{"Ships":{"name":"Aurora"},"ship":1}]"#,
    ),
    (
        "Visits?$apply=filter(id lt 4)/groupby((Ships/id,Ships/name))",
        "Visits(Ships(id,name))",
        r#"[{"Ships":{"id":1,"name":"Aurora"}},{"Ships":{"id":2,"name":"Boreas"}}]"#,
    ),
    ("Ships(2)/Visits?$apply=aggregate(fee with sum as Total)", "Visits(Total)", r#"[{"Total":7.00}]"#),
    ("Visits?$apply=filter(Ships/name eq 'Boreas')/aggregate($count as N)", "Visits(N)", r#"[{"N":2}]"#),
    ("Visits?$apply=aggregate(Ships/id with sum as S)", "Visits(S)", r#"[{"S":6}]"#),
    (
        "Visits?$apply=groupby((Ships/name),aggregate(Ships/id with max as Id))&$filter=Id gt 1",
        "Visits(Ships(name),Id)",
        r#"[{"Ships":{"name":"Boreas"},"Id":2}]"#,
    ),
    (
        "Visits?$compute=Ships/name as Ship&$select=id,Ship&$filter=Ship ne null&$orderby=Ship desc&$top=2",
        "Visits(id,Ship)",
        r#"[{"id":4,"Ship":"Boreas"},{"id":3,"Ship":"Boreas"}]"#,
    ),
    (
        "Ships?$compute=Visits/$count as N&$select=id,N&$orderby=N desc",
        "Ships(id,N)",
        r#"[{"id":2,"N":2},{"id":1,"N":2},{"id":3,"N":0}]"#,
    ),
    (
        "Visits?$apply=orderby(Ships/name desc)/top(2)/filter(Ships/name ne null)/compute(Ships/name as Ship)&$select=id,Ship",
        "Visits(id,Ship)",
        r#"[{"id":4,"Ship":"Boreas"},{"id":3,"Ship":"Boreas"}]"#,
    ),
    ("Ships?$apply=filter(Visits/any(v:v/fee gt 5))/aggregate($count as N)", "Ships(N)", r#"[{"N":1}]"#),
    ("Ships?$apply=aggregate(Visits/$count with sum as N)", "Ships(N)", r#"[{"N":4}]"#),
    (
        "Visits?$compute=Ships/name as Ship&$select=Ship&$expand=Ships($select=id)&$orderby=Ships/name,id&$top=2",
        "Visits(Ship,Ships(id))",
        r#"[{"Ship":null,"Ships":null},{"Ship":"Aurora","Ships":{"id":1}}]"#,
    ),
    ("Visits?$apply=topsum(3,Ships/id)&$select=id", "Visits(id)", r#"[{"id":3},{"id":4}]"#),
    (
        "Visits?$apply=concat(compute(Ships/name as Ship)/filter(id eq 1),aggregate(Ships/name with max as Last))&$select=id,Ship,Last",
        "Visits(id,Ship,Last)",
        r#"[{"id":1,"Ship":"Aurora"},{"Last":"Boreas"}]"#,
    ),
];

#[test]
fn groups_and_computed_values_are_shown_as_the_standard_says() {
    let database = database();
    for (url, context, rows) in CASES {
        let (found, values) = page(&database, url);
        assert_eq!((found.as_str(), values.as_str()), (*context, *rows), "{url}");
    }
}

#[test]
fn full_metadata_has_the_types_of_groups_but_no_ids() {
    let database = database();
    assert_eq!(
        database.body("Visits?$apply=filter(ship eq 1)/groupby((ship),aggregate(fee with sum as Total))&$format=application/json;odata.metadata=full"),
        r##"{"@odata.context":"https://host/api/odata4/test/$metadata#Visits(ship,Total)","value":[{"ship@odata.type":"#Int64","ship":1,"Total@odata.type":"#Decimal","Total":0.30}]}"##
    );
    let computed = database.body("Ships?$compute=length(name) as Length&$select=Length&$top=1&$format=application/json;odata.metadata=full");
    assert!(computed.contains(r##""Length@odata.type":"#Int64","Length":6"##), "{computed}");
    assert!(computed.contains(r#""@odata.id":"#), "{computed}");
}

#[test]
fn values_are_computed_for_one_entity() {
    let database = database();
    for (url, expected) in [
        (
            "Visits(4)?$compute=fee mul 2 as Double,year(at) as Year&$select=Double,Year",
            r#"Visits(Double,Year)/$entity","Double":14,"Year":2024}"#,
        ),
        ("Visits(4)?$compute=Ships/name as Ship&$select=Ship", r#"Visits(Ship)/$entity","Ship":"Boreas"}"#),
        (
            "Ships(2)?$compute=Visits/$count as N&$select=N&$expand=Visits($select=id)",
            r#"Ships(N,Visits(id))/$entity","N":2,"Visits":[{"id":3},{"id":4}]}"#,
        ),
        ("Ships(3)?$compute=length(name) as L", r#"Ships(*,L)/$entity","id":3,"name":"Calypso","L":7}"#),
        (
            "Visits(4)/Ships?$compute=id add 1 as Next&$select=Next&$expand=Visits($select=id)",
            r#"Ships(Next,Visits(id))/$entity","Next":3,"Visits":[{"id":3},{"id":4}]}"#,
        ),
    ] {
        let body = database.body(url);
        assert_eq!(body.split_once("$metadata#").unwrap().1, expected, "{url}");
    }
}

#[test]
fn groups_are_counted_and_a_count_follows_transformations() {
    let database = database();
    assert_eq!(database.body("Visits/$count?$apply=groupby((ship))"), "3");
    assert_eq!(
        database.body("Visits/$count?$apply=groupby((ship),aggregate($count as N))&$filter=N gt 1"),
        "2"
    );
    assert_eq!(database.body("Visits/$count?$compute=fee mul 2 as Double&$filter=Double lt 1"), "2");
    let counted = database.body("Visits?$apply=groupby((ship))&$count=true&$top=1");
    assert!(counted.contains(r#""@odata.count":3"#), "{counted}");
}

#[test]
fn all_pages_of_groups_are_one_big_page() {
    let database = database();
    for options in [
        "$apply=groupby((ship,berth),aggregate($count as N))",
        "$apply=groupby((ship,berth),aggregate($count as N))&$orderby=N desc,berth",
        "$apply=groupby((berth),aggregate(fee with sum as S))&$orderby=S desc",
        "$apply=groupby((at,ship))&$orderby=ship desc,at",
        "$compute=fee mul 2 as Double&$orderby=Double desc&$select=Double",
        "$apply=top(4)/groupby((ship))",
        "$apply=groupby((Ships/name,berth),aggregate(fee with sum as S))&$orderby=Ships/name desc,S",
        "$apply=orderby(weight desc)",
        "$apply=orderby(Ships/name desc)/skip(1)",
        "$compute=Ships/name as Ship&$orderby=Ship desc&$expand=Ships($select=id)",
        "$apply=filter(Ships/Visits/$count gt 1)/compute(Ships/Visits/$count as N)&$orderby=N,fee desc",
    ] {
        let url = format!("Visits?{options}");
        let (whole, paged) = whole_and_by_pages(&database, &url);
        assert_eq!(whole, paged, "{url}");
    }
}

/// The rows of one big page, and those of all small pages, for each of three sizes.
pub(crate) fn whole_and_by_pages(
    database: &Database,
    url: &str,
) -> ([serde_json::Value; 3], [serde_json::Value; 3]) {
    let whole: serde_json::Value = serde_json::from_str(&database.body(url)).unwrap();
    let paged = [1, 2, 3].map(|page_size| {
        let mut rows = Vec::new();
        let mut position = None;
        loop {
            let link = if rows.is_empty() { url.to_owned() } else { format!("{url}&$skiptoken=x") };
            let Plan::Entities(query) = database.plan(&link, page_size, position).unwrap() else {
                panic!("{url}")
            };
            let (body, next) = database.page(&query);
            let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
            rows.append(body["value"].as_array_mut().unwrap());
            position = next;
            if position.is_none() {
                return serde_json::Value::Array(rows);
            }
        }
    });
    ([(); 3].map(|()| whole["value"].clone()), paged)
}

#[test]
fn what_is_wrong_with_transformations_is_refused_with_its_place() {
    let database = database();
    let many = format!("Ships?$apply={}", ["identity"; 17].join("/"));
    let computed: Vec<String> = (0..65).map(|at| format!("id as C{at}")).collect();
    let computed = format!("Ships?$compute={}", computed.join(","));
    let mut deep = "id add 1 as C0".to_owned();
    for at in 1..12 {
        write!(deep, ",C{} add 1 as C{at}", at - 1).unwrap();
    }
    let deep = format!("Ships?$compute={deep}");
    let mut wide = "name as C0".to_owned();
    for at in 1..8 {
        let parts = vec![format!("C{}", at - 1); 10];
        let sum = parts.into_iter().reduce(|one, other| format!("concat({one},{other})")).unwrap();
        write!(wide, ",{sum} as C{at}").unwrap();
    }
    let wide = format!("Ships?$compute={wide}");
    for (url, code, place) in [
        ("Ships?$apply=", "SyntaxError", Some(0)),
        ("Ships?$apply=frob(id)", "SyntaxError", Some(0)),
        ("Ships?$apply=filter(id)", "TypeMismatch", Some(7)),
        ("Ships?$apply=filter(id gt 1", "SyntaxError", Some(14)),
        ("Ships?$apply=identity/", "SyntaxError", Some(9)),
        ("Ships?$apply=groupby(id)", "SyntaxError", Some(8)),
        ("Ships?$apply=groupby((nope))", "UnknownProperty", Some(9)),
        ("Visits?$apply=groupby((Ships/nope))", "UnknownProperty", Some(9)),
        ("Visits?$apply=groupby((Ships/name))&$filter=Ships/id gt 1", "UnknownProperty", Some(0)),
        ("Ships?$apply=groupby((id,id))", "BadOptionValue", Some(12)),
        ("Ships?$apply=aggregate(name with sum as X)", "TypeMismatch", Some(10)),
        ("Ships?$apply=aggregate(id with frob as X)", "UnknownFunction", Some(18)),
        ("Ships?$apply=aggregate(id with sum)", "SyntaxError", Some(21)),
        ("Ships?$apply=aggregate(id with sum as id)", "BadOptionValue", Some(25)),
        ("Ships?$apply=aggregate(id with sum as X,$count as X)", "BadOptionValue", Some(37)),
        ("Ships?$apply=aggregate(id with sum as X)&$filter=id gt 1", "UnknownProperty", Some(0)),
        ("Ships?$apply=aggregate(id with sum as X)&$select=id", "UnknownProperty", Some(0)),
        ("Ships?$apply=topcount(x,id)", "SyntaxError", Some(9)),
        ("Ships?$apply=topcount(1,name)", "TypeMismatch", Some(11)),
        ("Ships?$compute=id", "SyntaxError", Some(2)),
        ("Ships?$compute=id as name", "BadOptionValue", Some(6)),
        ("Ships?$compute=id as A,id as A", "BadOptionValue", Some(14)),
        ("Ships?$compute=id as A.B", "SyntaxError", Some(6)),
        ("Ships?$compute=B as A,id as B", "UnknownProperty", Some(0)),
        ("Ships?$compute=id as A&$select=B", "UnknownProperty", Some(0)),
        ("Ships?$compute=id div 0 as A", "DivisionByZero", Some(7)),
        ("Ships(1)?$apply=identity", "OptionNotApplicable", Some(0)),
        ("Ships(1)/name?$compute=id as A", "OptionNotApplicable", Some(0)),
        (&many, "TooComplex", Some(144)),
        (&computed, "TooComplex", None),
        (&deep, "TooComplex", None),
        (&wide, "TooComplex", None),
    ] {
        let error = database.error(url);
        assert_eq!(error.code(), code, "{url}: {error}");
        assert!(place.is_none() || error.offset() == place, "{url}: {error}");
        assert_eq!(error.kind(), Kind::BadRequest, "{url}");
    }
}

#[test]
fn what_is_not_supported_of_transformations_is_refused_as_not_implemented() {
    let database = database();
    for url in [
        "Ships?$apply=Ns.own(id)",
        "Ships?$apply=groupby((id),topcount(1,id))",
        "Ships?$apply=groupby((Visits/berth))",
        "Visits?$apply=groupby((Ships))",
        "Ships?$apply=aggregate(Visits/$count as N)",
        "Ships?$apply=aggregate(id with Ns.own as N)",
        "Ships?$apply=aggregate(Forecast)",
        "Ships?$apply=aggregate(id with sum from name with max as N)",
        "Ships?$apply=groupby((id))&$expand=Visits",
        "Ships(1)/Visits/$ref?$compute=id as A",
        "Ships?$expand=Visits($compute=id as A)",
    ] {
        assert_eq!(database.error(url).kind(), Kind::NotImplemented, "{url}: {}", database.error(url));
    }
}

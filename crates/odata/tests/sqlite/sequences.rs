//! Transformations with several results, and those that keep the rows that reach a sum.

use odata::error::Kind;

use crate::database::Database;
use crate::derived::{self, page, whole_and_by_pages};

/// Requests, with the context and the rows of their responses.
const CASES: &[(&str, &str, &str)] = &[
    ("Visits?$apply=topsum(15,fee)&$select=id", "Visits(id)", r#"[{"id":4},{"id":5}]"#),
    ("Visits?$apply=topsum(12.25,fee)&$select=id", "Visits(id)", r#"[{"id":5}]"#),
    ("Visits?$apply=topsum(0,fee)&$select=id", "Visits(id)", "[]"),
    ("Visits?$apply=topsum(100,fee)/filter(id lt 3)&$select=id", "Visits(id)", r#"[{"id":1},{"id":2}]"#),
    ("Visits?$apply=bottomsum(0.3,fee)&$select=id", "Visits(id)", r#"[{"id":1},{"id":2},{"id":3}]"#),
    ("Visits?$apply=toppercent(50,fee)&$select=id", "Visits(id)", r#"[{"id":5}]"#),
    ("Visits?$apply=bottompercent(1.5,fee)&$select=id", "Visits(id)", r#"[{"id":1},{"id":2},{"id":3}]"#),
    ("Visits?$apply=topsum(8.5,weight)&$select=id", "Visits(id)", r#"[{"id":4},{"id":5}]"#),
    (
        "Visits?$apply=toppercent(100,weight)&$select=id",
        "Visits(id)",
        r#"[{"id":1},{"id":2},{"id":4},{"id":5}]"#,
    ),
    ("Visits?$apply=topsum(1,id sub 3)&$select=id", "Visits(id)", r#"[{"id":5}]"#),
    // The sum falls again after it has been reached.
    ("Visits?$apply=topsum(3,id sub 3)&$select=id", "Visits(id)", r#"[{"id":4},{"id":5}]"#),
    ("Visits?$apply=toppercent(50,id sub 4)&$select=id", "Visits(id)", "[]"),
    ("Visits?$apply=filter(id gt 7)/toppercent(50,fee)&$select=id", "Visits(id)", "[]"),
    (
        "Visits?$apply=groupby((ship),aggregate(fee with sum as Total))/topsum(13,Total)",
        "Visits(ship,Total)",
        r#"[{"ship":null,"Total":12.25},{"ship":2,"Total":7.00}]"#,
    ),
    (
        "Visits?$apply=groupby((ship),aggregate(fee with sum as Total))/topsum(13,Total)&$orderby=Total&$top=1",
        "Visits(ship,Total)",
        r#"[{"ship":2,"Total":7.00}]"#,
    ),
    (
        "Visits?$apply=topsum(15,fee)/aggregate(fee with sum as Total,$count as N)",
        "Visits(Total,N)",
        r#"[{"Total":19.25,"N":2}]"#,
    ),
    (
        "Visits?$apply=concat(groupby((ship),aggregate(fee with sum as Total)),aggregate(fee with sum as Total))",
        "Visits(ship,Total)",
        r#"[{"ship":null,"Total":12.25},{"ship":1,"Total":0.30},{"ship":2,"Total":7.00},{"Total":19.55}]"#,
    ),
    (
        "Ships?$apply=concat(identity,aggregate($count as N))",
        "Ships(id,name,N)",
        r#"[{"id":1,"name":"Aurora"},{"id":2,"name":"Boreas"},{"id":3,"name":"Calypso"},{"N":3}]"#,
    ),
    (
        "Ships?$apply=concat(identity,aggregate($count as N))&$orderby=N desc,name desc&$skip=1&$top=2&$select=name,N",
        "Ships(name,N)",
        r#"[{"name":"Calypso"},{"name":"Boreas"}]"#,
    ),
    (
        "Visits?$apply=concat(topcount(1,fee),orderby(id desc)/top(2),orderby(berth,fee desc)/top(2))&$select=id",
        "Visits(id)",
        r#"[{"id":5},{"id":5},{"id":4},{"id":4},{"id":1}]"#,
    ),
    (
        "Visits?$apply=concat(filter(id eq 1),compute(fee mul 2 as Twice)/filter(id eq 2))&$select=id,Twice&$compute=id add 1 as Next",
        "Visits(id,Twice)",
        r#"[{"id":1},{"id":2,"Twice":0.4}]"#,
    ),
    (
        "Visits?$apply=concat(groupby((ship),aggregate($count as N)),aggregate($count as N))/filter(N gt 1)&$compute=N mul 10 as Tens&$select=Tens,ship",
        "Visits(ship,Tens)",
        r#"[{"ship":1,"Tens":20},{"ship":2,"Tens":20},{"Tens":50}]"#,
    ),
    (
        "Visits?$apply=concat(identity,identity)/aggregate($count as N,fee with sum as Total)",
        "Visits(N,Total)",
        r#"[{"N":10,"Total":39.10}]"#,
    ),
    (
        "Visits?$apply=concat(groupby((rollup(ship,berth))),concat(aggregate(id with max as Last),aggregate(id with min as First)))/filter(ship eq null)",
        "Visits(ship,berth,Last,First)",
        r#"[{"ship":null,"berth":"a"},{"ship":null},{"Last":5},{"First":1}]"#,
    ),
    (
        "Visits?$apply=groupby((rollup($all,ship,berth)),aggregate($count as N))",
        "Visits(ship,berth,N)",
        r#"[{"ship":null,"berth":"a","N":1},{"ship":1,"berth":"A","N":1},{"ship":1,"berth":"B","N":1},{"ship":2,"berth":null,"N":1},{"ship":2,"berth":"A","N":1},{"ship":null,"N":1},{"ship":1,"N":2},{"ship":2,"N":2},{"N":5}]"#,
    ),
    (
        "Visits?$apply=groupby((rollup($all,ship)))",
        "Visits(ship)",
        r#"[{"ship":null},{"ship":1},{"ship":2}]"#,
    ),
    (
        "Visits?$apply=groupby((berth,rollup($all,Ships/name)),aggregate($count as N))&$filter=berth eq 'A'&$orderby=N,Ships/name desc",
        "Visits(Ships(name),berth,N)",
        r#"[{"Ships":{"name":"Boreas"},"berth":"A","N":1},{"Ships":{"name":"Aurora"},"berth":"A","N":1},{"berth":"A","N":2}]"#,
    ),
    ("Ships?$apply=search(Boreas OR (NOT aurora))&$select=id", "Ships(id)", r#"[{"id":2},{"id":3}]"#),
    ("Ships?$apply=filter(id gt 1)&$search=boreas&$select=id", "Ships(id)", r#"[{"id":2}]"#),
    (
        "Ships(1)/Visits?$apply=concat(topsum(1,id),aggregate($count as N))&$select=id,N",
        "Visits(id,N)",
        r#"[{"id":2},{"N":2}]"#,
    ),
];

#[test]
fn several_results_follow_each_other_and_each_row_has_its_own_properties() {
    let database = derived::database();
    for (url, context, rows) in CASES {
        let (found, values) = page(&database, url);
        assert_eq!((found.as_str(), values.as_str()), (*context, *rows), "{url}");
    }
}

#[test]
fn pages_and_counts_go_on_through_all_results() {
    let database = derived::database();
    for (url, _, rows) in CASES {
        let (whole, paged) = whole_and_by_pages(&database, url);
        assert_eq!(whole, paged, "{url}");
        if url.contains("$top") {
            continue;
        }
        let (path, options) = url.split_once('?').unwrap();
        let without = |option: &&str| !option.starts_with("$select");
        let options: Vec<&str> = options.split('&').filter(without).collect();
        let rows: serde_json::Value = serde_json::from_str(rows).unwrap();
        let count = database.body(&format!("{path}/$count?{}", options.join("&")));
        assert_eq!(count, rows.as_array().unwrap().len().to_string(), "{url}");
    }
}

#[test]
fn full_metadata_has_the_types_of_the_properties_that_a_row_has() {
    let body = derived::database().body(
        "Ships?$apply=concat(filter(id eq 1),aggregate($count as N))&$format=application/json;odata.metadata=full",
    );
    assert!(
        body.ends_with(r##""value":[{"id@odata.type":"#Int64","id":1,"name":"Aurora"},{"N@odata.type":"#Decimal","N":3}]}"##),
        "{body}"
    );
}

#[test]
fn what_is_wrong_with_them_is_refused_with_its_place() {
    let database: Database = derived::database();
    let deep = format!("Ships?$apply={}identity,identity{}", "concat(".repeat(5), ",identity)".repeat(5));
    let wide = format!(
        "Ships?$apply=concat({})/groupby((id))/concat({})",
        ["identity"; 5].join(","),
        ["identity"; 4].join(",")
    );
    let rollup = "Visits?$apply=groupby((rollup(id,ship,berth,at),rollup(fee,weight),rollup($all,id,at)))";
    for (url, code, place) in [
        ("Ships?$apply=concat(identity)", "SyntaxError", Some(15)),
        ("Ships?$apply=concat()", "SyntaxError", Some(7)),
        ("Ships?$apply=concat(identity,identity", "SyntaxError", Some(24)),
        ("Ships?$apply=concat(identity,filter(nope eq 1))", "UnknownProperty", Some(23)),
        ("Ships?$apply=groupby((rollup($all)))", "SyntaxError", Some(20)),
        ("Ships?$apply=groupby((rollup(name,name)))", "BadOptionValue", Some(21)),
        ("Ships?$apply=topsum(x,id)", "UnknownProperty", Some(7)),
        ("Ships?$apply=topsum('1',id)", "TypeMismatch", Some(7)),
        ("Ships?$apply=topsum(1,name)", "TypeMismatch", Some(9)),
        ("Ships?$apply=toppercent(101,id)", "BadOptionValue", Some(11)),
        ("Ships?$apply=bottompercent(0,id)", "BadOptionValue", Some(14)),
        ("Ships?$apply=concat(identity,aggregate($count as N))&$filter=M gt 1", "UnknownProperty", Some(0)),
        ("Ships?$apply=concat(identity,aggregate($count as N))&$select=", "SyntaxError", None),
        ("Ships?$apply=search()", "SyntaxError", Some(7)),
        (&deep, "TooComplex", None),
        (&wide, "TooComplex", Some(67)),
        (rollup, "TooComplex", Some(0)),
    ] {
        let error = database.error(url);
        assert_eq!(error.code(), code, "{url}: {error}");
        assert!(place.is_none() || error.offset() == place, "{url}: {error}");
        assert_eq!(error.kind(), Kind::BadRequest, "{url}");
    }
}

#[test]
fn what_is_not_supported_of_them_is_refused_as_not_implemented() {
    let database = derived::database();
    for url in [
        "Ships?$apply=concat(concat(identity,identity)/filter(id gt 1),identity)",
        "Ships?$apply=concat(identity,identity)/concat(identity,identity)",
        "Ships?$apply=concat(aggregate(id with max as X),aggregate(name with max as X))",
        "Ships?$apply=concat(identity,aggregate($count as N))&$expand=Visits",
        "Ships?$apply=groupby((name))/search(x)",
        "Ships?$apply=groupby((name))&$search=x",
        "Ships?$apply=topsum(id,id)",
    ] {
        assert_eq!(database.error(url).kind(), Kind::NotImplemented, "{url}: {}", database.error(url));
    }
}

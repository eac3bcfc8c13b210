//! Navigation in expressions: what it selects and how it orders, what is refused, and that it reaches nothing else.

use odata::edm_type::EdmType;
use odata::error::Kind;
use odata::plan::Plan;
use odata::position::Position;

use crate::database::{Database, ids, reference, table};

const TEXT: EdmType = EdmType::String { max_length: None };

/// Ships with a sister, their visits to ports, and cranes of the ports.
pub(crate) fn database() -> Database {
    let number = EdmType::Int32;
    let mut ships = table(
        "Ships",
        &[
            ("id", number, false),
            ("name", TEXT, true),
            ("sister", number, true),
            ("fast", EdmType::Boolean, true),
        ],
        &["id"],
    );
    ships.foreign_keys.push(reference("sister", "Ships"));
    let ports = table("Ports", &[("id", number, false), ("name", TEXT, false)], &["id"]);
    let mut visits = table(
        "Visits",
        &[("id", number, false), ("ship", number, true), ("port", number, true), ("cargo", number, true)],
        &["id"],
    );
    visits.foreign_keys.extend([reference("ship", "Ships"), reference("port", "Ports")]);
    let mut cranes =
        table("Cranes", &[("id", number, false), ("port", number, true), ("lift", number, true)], &["id"]);
    cranes.foreign_keys.push(reference("port", "Ports"));
    let sql = "CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT, sister INTEGER, fast BOOLEAN);
        CREATE TABLE Ports (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE Visits (id INTEGER PRIMARY KEY, ship INTEGER, port INTEGER, cargo INTEGER);
        CREATE TABLE Cranes (id INTEGER PRIMARY KEY, port INTEGER, lift INTEGER);
        INSERT INTO Ships VALUES (1, 'Anna', NULL, 1), (2, 'Berta', 1, 0), (3, NULL, 2, NULL), (4, 'Dora', 9, 1);
        INSERT INTO Ports VALUES (1, 'Oslo'), (2, 'Riga');
        INSERT INTO Visits VALUES (1, 1, 1, 5), (2, 1, 2, NULL), (3, 2, 1, 0), (4, 3, NULL, 7), (5, NULL, 2, 9), (6, 8, 1, 2);
        INSERT INTO Cranes VALUES (1, 1, 3), (2, 1, 8), (3, 2, NULL);";
    Database::new(sql, vec![ships, ports, visits, cranes])
}

#[test]
fn paths_through_navigation_select_what_the_standard_says() {
    let database = database();
    for (url, expected) in [
        // To one. A ship without a sister has null in all her properties, and so has one whose sister is not there.
        ("Ships?$filter=Ships/name eq 'Anna'", vec![2]),
        ("Ships?$filter=Ships/name ne 'Anna'", vec![1, 3, 4]),
        ("Ships?$filter=Ships/name eq null", vec![1, 4]),
        ("Ships?$filter=Ships/fast", vec![2]),
        ("Ships?$filter=not Ships/fast", vec![3]),
        ("Ships?$filter=Ships/Ships/name eq 'Anna'", vec![3]),
        ("Ships?$filter=Ships/Ships/name eq 'Anna' or Ships/name eq 'Anna'", vec![2, 3]),
        ("Ships?$filter=Ships/id lt id and Ships/id add 1 eq id", vec![2, 3]),
        ("Ships?$filter=contains(concat(Ships/name,name),'ta')", vec![2]),
        ("Ships?$filter=$it/Ships/name in ('Anna','Berta')", vec![2, 3]),
        ("Ships?$filter=Ships eq null", vec![1, 4]),
        ("Ships?$filter=null ne Ships", vec![2, 3]),
        ("Ships?$filter=Ships/Ships eq null", vec![1, 2, 4]),
        ("Visits?$filter=Ships/Ships ne null and Ports/name eq 'Oslo'", vec![3]),
        // To many.
        ("Ships?$filter=Visits/any()", vec![1, 2, 3]),
        ("Ships?$filter=not Visits/any()", vec![4]),
        ("Ships?$filter=Visits/any() eq false", vec![4]),
        ("Ships?$filter=Visits/any(v:v/cargo gt 3)", vec![1, 3]),
        ("Ships?$filter=Visits/any(v:not (v/cargo gt 3))", vec![1, 2]),
        ("Ships?$filter=Visits/any(v:v/cargo eq null)", vec![1]),
        ("Ships?$filter=Visits/all(v:v/cargo gt 3)", vec![3, 4]),
        ("Ships?$filter=not Visits/all(v:v/cargo gt 3)", vec![1, 2]),
        ("Ships?$filter=Visits/all(v:null)", vec![4]),
        ("Ships?$filter=Visits/any(v:null)", vec![]),
        // What is null is not true: Clara is neither fast nor not fast.
        ("Ports?$filter=Visits/all(v:v/Ships/fast)", vec![]),
        ("Ships?$filter=Ships_sister/all(s:s/fast)", vec![3, 4]),
        ("Ships?$filter=Ships_sister/all(s:not s/fast)", vec![1, 3, 4]),
        ("Ships?$filter=Ships_sister/any(s:s/fast or s/fast eq null)", vec![2]),
        ("Ships?$filter=Ships/Visits/any(v:v/cargo gt 3)", vec![2]),
        ("Ships?$filter=Visits/any(v:v/Ports/name eq 'Riga')", vec![1]),
        ("Ships?$filter=Visits/any(v:v/Ports/Cranes/any(c:c/lift gt v/cargo))", vec![1, 2]),
        ("Ships?$filter=Visits/any(v:v/Ports/Cranes/any(c:c/lift gt v/cargo and v/id gt $it/id))", vec![2]),
        ("Ships?$filter=Visits/any(v:v/Ports/Cranes/any(c:c/lift gt v/cargo and v/id gt id))", vec![2]),
        ("Ships?$filter=Visits/any(v:Ships/Visits/any(w:w/id eq v/id sub 2))", vec![2]),
        ("Ships?$filter=Visits/any(v:v/cargo ne 0 and 10 div v/cargo eq 2)", vec![1]),
        ("Ports?$filter=Visits/any(v:v/Ships/Visits/any(v:v/cargo eq 7))", vec![]),
        // Counts.
        ("Ships?$filter=Visits/$count eq 1", vec![2, 3]),
        ("Ships?$filter=Visits/$count($filter=cargo gt 3) eq 1", vec![1, 3]),
        ("Ships?$filter=Visits/$count(filter=$this/Ports/name eq 'Oslo' and $it/id gt 1) ge 1", vec![2]),
        ("Ships?$filter=Visits/$filter(cargo ne null)/$filter(cargo gt 3)/$count eq 1", vec![1, 3]),
        ("Ships?$filter=Visits/$filter(cargo ne null)/any(v:v/cargo gt 3)", vec![1, 3]),
        ("Ships?$filter=Visits/$filter(cargo ne null)/all(v:v/cargo gt 3)", vec![1, 3, 4]),
        ("Ships?$filter=Visits/any(v:v/Ports/Cranes/$count gt 1)", vec![1, 2]),
        ("Ships?$filter=Visits/$count add Ships/Visits/$count eq 3", vec![2]),
        // In the path, in which an expression is escaped like a segment.
        ("Ships/$filter(id gt 1)", vec![2, 3, 4]),
        ("Ships/$filter(id gt 1)/$filter(Visits%2Fany())?$filter=id lt 3", vec![2]),
        ("Ships(1)/Visits/$filter(cargo eq null)", vec![2]),
        ("Ships/$filter($it%2Fid%20gt%20Ships%2Fid)?$orderby=id desc&$top=1", vec![3]),
    ] {
        selects(&database, url, &expected);
    }
    assert_eq!(database.body("Ships/$filter(id gt 9)/$count"), "0");
    assert_eq!(database.body("Ships(9)/Visits/$filter(cargo eq null)/$count"), "0");
}

/// Checks which rows a request gives, and their number.
fn selects(database: &Database, url: &str, expected: &[i64]) {
    assert_eq!(database.ids(url), expected, "{url}");
    let count = url.replacen('?', "/$count?", 1);
    let count = if count == url { format!("{url}/$count") } else { count };
    if !url.contains("$top") {
        assert_eq!(database.body(&count), expected.len().to_string(), "{count}");
    }
}

#[test]
fn paths_from_the_root_lead_to_any_entity() {
    let database = database();
    for (url, expected) in [
        ("Ships?$filter=$root/Ships(2)/name eq name", vec![2]),
        ("Ships?$filter=$root/Ships(2)/Ships/name eq name", vec![1]),
        ("Ships?$filter=id le $root/Ports/$count", vec![1, 2]),
        ("Ships?$filter=$root/Visits/any(v:v/ship eq id)", vec![1, 2, 3]),
        ("Ships?$filter=$root/Visits/$count($filter=cargo gt 4) eq id", vec![3]),
        ("Ships?$filter=$root/Visits/$filter(cargo gt 4)/$count eq id", vec![3]),
        ("Ships?$filter=$root/Ships(1)/Visits/$count eq id", vec![2]),
        ("Ships?$filter=$root/Ships(9)/name eq name", vec![3]),
        ("Ships?$filter=$root/Ships(9)/name eq null and id lt 3", vec![1, 2]),
        ("Ships?$filter=Visits/any(v:v/cargo gt $root/Visits(1)/cargo)", vec![3]),
        ("Ships?$filter=not ($root/Ships(2)/fast) and id gt 2", vec![3, 4]),
        ("Ships?$filter=id in ($root/Visits(3)/ship,4)", vec![2, 4]),
        ("Ships?$filter=contains($root/Ships(2)/name,name)", vec![2]),
    ] {
        selects(&database, url, &expected);
    }
}

/// The ids of all pages.
fn walk(database: &Database, url: &str, page_size: usize) -> Vec<i64> {
    let mut all = Vec::new();
    let mut position: Option<Position> = None;
    for page in 0.. {
        let token = if page == 0 { "" } else { "&$skiptoken=T" };
        let plan = database.plan(&format!("{url}{token}"), page_size, position.take()).unwrap();
        let Plan::Entities(query) = plan else { panic!("{url} is no collection") };
        let (body, after) = database.page(&query);
        all.extend(ids(&body));
        match after {
            Some(after) => position = Some(Position::from_bytes(&after.to_bytes()).unwrap()),
            None => break,
        }
    }
    all
}

#[test]
fn orders_through_navigation_have_pages() {
    let database = database();
    for (order, expected) in [
        ("Ships/name", vec![1, 4, 2, 3]),
        ("Ships/name desc", vec![3, 2, 4, 1]),
        ("Ships/name desc,id", vec![3, 2, 1, 4]),
        ("$root/Ports/$count mul id desc", vec![4, 3, 2, 1]),
        ("concat($root/Ships(1)/name,Ships/name)", vec![1, 4, 2, 3]),
        ("Ships/Ships/name desc,Ships/id desc", vec![3, 2, 4, 1]),
        ("Visits/$count desc,name", vec![1, 3, 2, 4]),
        ("Visits/$count($filter=cargo gt 3),id desc", vec![4, 2, 3, 1]),
        ("Visits/any(v:v/cargo gt 3) desc,Ships/name", vec![1, 3, 4, 2]),
        ("Ships/fast,id", vec![1, 4, 3, 2]),
    ] {
        for expand in ["", "&$expand=Visits($orderby=Ports/name desc,Ports/Cranes/$count;$top=1),Ships"] {
            let url = format!("Ships?$orderby={order}{expand}");
            for page_size in 1..=5 {
                assert_eq!(walk(&database, &url, page_size), expected, "{url}, {page_size}");
            }
        }
        let url = format!("Ships?$filter=Ships/id ne 2&$orderby={order}&$skip=1&$top=2");
        let kept: Vec<i64> = expected.iter().copied().filter(|id| *id != 3).collect();
        assert_eq!(walk(&database, &url, 1), kept[1..3], "{url}");
    }
}

#[test]
fn expanded_entities_are_filtered_and_ordered_through_navigation() {
    let database = database();
    let body = |url: &str| {
        let body = database.body(url);
        body.split_once("\"value\":").unwrap().1.to_owned()
    };
    assert_eq!(
        body(
            "Ports?$select=id&$expand=Visits($select=id;$filter=Ships/name ne null;$orderby=Ships/name desc;$count=true)"
        ),
        r#"[{"id":1,"Visits@odata.count":2,"Visits":[{"id":3},{"id":1}]},{"id":2,"Visits@odata.count":1,"Visits":[{"id":2}]}]}"#
    );
    assert_eq!(
        body(
            "Ports?$select=id&$expand=Visits($select=id;$filter=Ships/Visits/any(v:v/id gt $this/id);$top=1;$orderby=Ships/Visits/$count)"
        ),
        r#"[{"id":1,"Visits":[{"id":1}]},{"id":2,"Visits":[]}]}"#
    );
    assert_eq!(
        body("Ports?$select=id&$expand=Visits/$count($filter=Ships/Visits/$count gt 1)"),
        r#"[{"id":1,"Visits@odata.count":1},{"id":2,"Visits@odata.count":1}]}"#
    );
}

#[test]
fn what_is_wrong_with_navigation_is_refused_with_its_place() {
    let database = database();
    let deep = "Ships?$filter=Visits/any(a:a/Ports/Visits/any(b:b/Ports/Visits/any(c:c/Ports/Visits/any())))";
    let long = format!("Ships?$filter={}", vec!["Visits/any()"; 33].join(" and "));
    let steps = format!("Ships?$filter={}name eq 'a'", "Ships/".repeat(33));
    let mut others = Vec::new();
    for (url, code, offset) in [
        ("Ships?$filter=Ships/nothing eq 1", "UnknownProperty", 6),
        ("Ships?$filter=Visits/cargo eq 1", "TypeMismatch", 7),
        ("Ships?$filter=Ships/any()", "TypeMismatch", 6),
        ("Ships?$filter=Ships/$count gt 1", "TypeMismatch", 6),
        ("Ships?$filter=Visits/all()", "ArgumentCount", 7),
        ("Ships?$filter=Visits/any(cargo gt 1)", "ArgumentCount", 7),
        ("Ships?$filter=Visits/any(v:v/nothing eq 1)", "UnknownProperty", 15),
        ("Ships?$filter=Visits/any(v:v/cargo)", "TypeMismatch", 13),
        ("Ships?$filter=Visits/any(v:w/cargo gt 1)", "UnknownProperty", 13),
        ("Ships?$filter=Visits/any(v:cargo gt 1)", "UnknownProperty", 13),
        ("Ships?$filter=Visits/any(v:v/cargo gt 1", "SyntaxError", 25),
        ("Ships?$filter=Visits/any(v:v/cargo eq 'x')", "TypeMismatch", 21),
        ("Ships?$filter=Visits/$count", "TypeMismatch", 0),
        ("Ships?$filter=Visits/$count($filter=v/cargo gt 1) gt 1", "UnknownProperty", 22),
        ("Ships?$filter=Visits/$count($filter=cargo) gt 1", "TypeMismatch", 22),
        ("Ships?$filter=Visits/$filter()/$count gt 1", "ArgumentCount", 7),
        ("Ships?$orderby=Ships/nothing", "UnknownProperty", 6),
        (deep, "TooComplex", 63),
        (&long, "TooComplex", 544),
        (&steps, "TooComplex", 192),
        ("Ships/$filter(nothing eq 1)", "UnknownProperty", 14),
        ("Ships/$filter(id)", "TypeMismatch", 14),
        ("Ships/$filter()", "ArgumentCount", 6),
        ("Ships/$filter(id eq 1", "SyntaxError", 21),
        ("Ships/$filter", "ResourceNotFound", 6),
        ("Ships(1)/$filter(id eq 1)", "ResourceNotFound", 9),
    ] {
        let error = database.error(url);
        if (error.code(), error.offset()) != (code, Some(offset)) {
            others.push(format!("{url}: {} {error}", error.code()));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    for url in [
        "Ships?$filter=Visits(1)/cargo eq 1",
        "Ships?$filter=Visits/$count($search=x) gt 1",
        "Ships?$filter=Visits/$count($filter=cargo gt 1;$search=x) gt 1",
        "Ships?$filter=Visits/$count/x gt 1",
        "Ships?$filter=Visits/Ns.Type/any()",
        "Ships?$filter=Ships/Ns.Type/name eq 'a'",
        "Ships?$filter=Visits eq null",
        "Ships?$filter=Ships eq Ships",
        "Ships?$filter=Visits/any(v:v eq null)",
        "Ships?$filter=$root/Ships(1) eq null",
        "Ships?$filter=$root/Ships eq null",
        "Ships?$filter=$root eq null",
        "Ships?$apply=groupby((name))&$filter=$root/Ships(1)/name eq name",
        "Ships?$filter=name/x eq 1",
        "Ships?$orderby=Ships",
        "Ships?$expand=Visits($filter=$it/id eq id)",
    ] {
        assert_eq!(database.error(url).kind(), Kind::NotImplemented, "{url}: {}", database.error(url));
    }
}

#[test]
fn a_set_that_is_not_reached_is_in_no_expression() {
    let mut database = database();
    database.model = database.model.limited_to(&["Ships".to_owned(), "Ports".to_owned()]);
    for url in [
        "Ships?$filter=Visits/any()",
        "Ships?$filter=Visits/any(v:v/cargo gt 1)",
        "Ships?$filter=Visits/$count gt 1",
        "Ships?$filter=Ships/Visits/any()",
        "Ships?$orderby=Visits/$count",
        "Ships?$orderby=Ships/Visits/$count desc",
        "Ships?$expand=Ships_sister($filter=Visits/any())",
        "Ships/$filter(Visits%2Fany())",
    ] {
        assert_eq!(database.error(url).code(), "UnknownProperty", "{url}");
    }
    assert_eq!(database.ids("Ships?$filter=Ships_sister/any(s:s/id gt 2)"), [2]);
}

#[test]
fn what_is_wrong_with_a_path_from_the_root_is_refused_with_its_place() {
    let database = database();
    for (url, code, place) in [
        ("Ships?$filter=$root/Nope/$count gt 1", "SyntaxError", 6),
        ("Ships?$filter=$root/Ships('x')/name eq 'a'", "BadKey", 6),
        ("Ships?$filter=$root/Ships(1,2)/name eq 'a'", "BadKey", 6),
        ("Ships?$filter=$root/Ships(1)/nope eq 'a'", "UnknownProperty", 15),
    ] {
        let error = database.error(url);
        assert_eq!(
            (error.code(), error.offset(), error.kind()),
            (code, Some(place), Kind::BadRequest),
            "{url}: {error}"
        );
    }
}

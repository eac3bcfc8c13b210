//! `$metadata` declares what the server does, and what it does not do.

use http::Method;

use crate::fixture::{Fixture, code};

const TABLES: &str = "
    CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT, Built DATE, Seen DATETIME, Watch TIME, Draught DECIMAL(6,2));
    CREATE TABLE Visits (Id INTEGER PRIMARY KEY, Ship INTEGER REFERENCES Ships);
    INSERT INTO Ships VALUES (1, 'Anna', '2001-02-03', '2024-05-01T12:00:00Z', '12:30:00', 4.5), (2, 'Berta', NULL, NULL, NULL, NULL);
    INSERT INTO Visits VALUES (1, 1);
";

/// A call of each function that is true for the first ship.
const CALLS: &[(&str, &str)] = &[
    ("contains", "contains(Name,'nn')"),
    ("startswith", "startswith(Name,'An')"),
    ("endswith", "endswith(Name,'na')"),
    ("length", "length(Name) eq 4"),
    ("indexof", "indexof(Name,'nn') eq 1"),
    ("substring", "substring(Name,1,2) eq 'nn'"),
    ("tolower", "tolower(Name) eq 'anna'"),
    ("toupper", "toupper(Name) eq 'ANNA'"),
    ("trim", "trim(Name) eq 'Anna'"),
    ("concat", "concat(Name,'!') eq 'Anna!'"),
    ("year", "year(Built) eq 2001"),
    ("month", "month(Built) eq 2"),
    ("day", "day(Built) eq 3"),
    ("hour", "hour(Seen) eq 12"),
    ("minute", "minute(Watch) eq 30"),
    ("second", "second(Seen) eq 0 and Seen ne null"),
    ("fractionalseconds", "fractionalseconds(Seen) eq 0 and Seen ne null"),
    ("date", "date(Seen) eq 2024-05-01"),
    ("time", "time(Seen) eq 12:00:00"),
    ("totalseconds", "totalseconds(case(Id eq 1:duration'PT1M')) eq 60"),
    ("mindatetime", "Seen gt mindatetime()"),
    ("maxdatetime", "Seen lt maxdatetime()"),
    ("now", "Seen lt now()"),
    ("totaloffsetminutes", "totaloffsetminutes(Seen) eq 0"),
    ("round", "round(Draught) eq 5"),
    ("floor", "floor(Draught) eq 4"),
    ("ceiling", "ceiling(Draught) eq 5"),
    ("case", "case(Name eq 'Anna':7,true:8) eq 7"),
    ("cast", "cast(Draught,Edm.Int32) eq 5"),
    ("isof", "isof(Seen,Edm.DateTimeOffset)"),
    ("any", "Visits/any(v:v/Id eq 1)"),
    ("all", "Visits/all(v:v/Id gt 1) eq false"),
];

/// A declared capability: its set, if it belongs to one; the term; the declared value.
struct Declared<'t> {
    set: Option<&'t str>,
    term: &'t str,
    value: &'t str,
}

/// All capabilities of a metadata document.
fn declared(metadata: &str) -> Vec<Declared<'_>> {
    let mut declared = Vec::new();
    let mut set = None;
    for element in metadata.split("<EntitySet ").flat_map(|part| part.split_inclusive("</EntitySet>")) {
        if element.starts_with("Name=\"") {
            set = element.split('"').nth(1);
        }
        for annotation in element.split("<Annotation Term=\"").skip(1) {
            let (term, rest) = annotation.split_once('"').unwrap();
            // An empty element, or one with content.
            let (start, _) = rest.split_once('>').unwrap();
            let value =
                if start.ends_with('/') { start } else { rest.split("</Annotation>").next().unwrap() };
            if let Some(term) = term.strip_prefix("Org.OData.Capabilities.V1.") {
                declared.push(Declared { set, term, value });
            }
        }
        if element.ends_with("</EntitySet>") {
            set = None;
        }
    }
    declared
}

async fn status(fixture: &Fixture, method: Method, rest: &str) -> u16 {
    let target = format!("/api/odata4/Fleet{}", rest.replace(' ', "%20"));
    fixture.server.call(method, &target).bearer(&fixture.token).send().await.status()
}

/// A request and the expected status.
type Trial = (Method, &'static str, u16);

/// The required value of a capability, and requests that prove it with their statuses; `SET` stands for the
/// set.
fn trial(term: &str, set: &str) -> Option<(&'static str, &'static [Trial])> {
    const NO: &str = "Bool=\"false\"";
    const YES: &str = "Bool=\"true\"";
    Some(match term {
        "AnnotationValuesInQuerySupported" => {
            (NO, &[(Method::GET, "/Ships?$filter=@Core.Description eq 'x'", 501)])
        }
        "AsynchronousRequestsSupported" => (NO, &[(Method::GET, "/Ships", 200)]),
        "BatchSupport" => {
            (r#"Property="EtagReferencesSupported" Bool="true""#, &[(Method::POST, "/$batch", 415)])
        }
        "BatchSupported" => (YES, &[(Method::POST, "/$batch", 415)]),
        "ComputeSupported" => (YES, &[(Method::GET, "/Ships?$compute=Id add 1 as More", 200)]),
        "ConformanceLevel" => ("ConformanceLevelType/Minimal", &[(Method::GET, "", 200)]),
        "CountRestrictions" => {
            (YES, &[(Method::GET, "/SET/$count", 200), (Method::GET, "/SET?$count=true", 200)])
        }
        "CrossJoinSupported" => (YES, &[(Method::GET, "/$crossjoin(Ships,Visits)", 200)]),
        "DeleteRestrictions" => (NO, &[(Method::DELETE, "/SET(1)", 405)]),
        "ExpandRestrictions" => (
            r#"Property="MaxLevels" Int="5""#,
            &[
                (Method::GET, "/SET?$expand=*", 200),
                (
                    Method::GET,
                    "/Ships?$expand=Visits($expand=Ships($expand=Visits($expand=Ships($expand=Visits))))",
                    200,
                ),
                (
                    Method::GET,
                    "/Ships?$expand=Visits($expand=Ships($expand=Visits($expand=Ships($expand=Visits($expand=Ships)))))",
                    400,
                ),
            ],
        ),
        "InsertRestrictions" => (NO, &[(Method::POST, "/SET", 405)]),
        "KeyAsSegmentSupported" => (NO, &[(Method::GET, "/Ships/1", 404)]),
        "QuerySegmentSupported" => (YES, &[(Method::POST, "/Ships/$query", 415)]),
        // Visits have no text.
        "SearchRestrictions" if set == "Visits" => (NO, &[(Method::GET, "/Visits?$search=x", 501)]),
        "SearchRestrictions" => (YES, &[(Method::GET, "/SET?$search=x", 200)]),
        "SelectSupport" => (YES, &[(Method::GET, "/Ships?$select=Id", 200)]),
        "SkipSupported" => (YES, &[(Method::GET, "/Ships?$skip=1", 200)]),
        "TopSupported" => (YES, &[(Method::GET, "/Ships?$top=1", 200)]),
        "UpdateRestrictions" => (NO, &[(Method::PATCH, "/SET(1)", 405)]),
        _ => return None,
    })
}

#[tokio::test]
async fn every_declared_capability_is_implemented() {
    let fixture = Fixture::open().await;
    fixture.add_source("Fleet", TABLES).await;
    let call = fixture.server.get("/api/odata4/Fleet/$metadata").bearer(&fixture.token);
    let metadata = call.send().await.expect(200).text().to_owned();
    let all = declared(&metadata);
    assert!(all.len() > 20, "{}", all.len());
    for Declared { set, term, value } in all {
        let set = set.unwrap_or("Ships");
        if term == "FilterFunctions" {
            every_function_works(&fixture, value).await;
            continue;
        }
        let (says, requests) =
            trial(term, set).unwrap_or_else(|| panic!("nothing holds the server to {term}"));
        assert!(value.contains(says), "{set} {term} {value}");
        for (method, rest, expected) in requests {
            let got = status(&fixture, method.clone(), &rest.replace("SET", set)).await;
            assert_eq!(got, *expected, "{set} {term} {value}: {rest}");
        }
    }
}

/// A transformation of each name.
const TRANSFORMATIONS: [(&str, &str); 16] = [
    ("aggregate", "aggregate($count as Number)"),
    ("bottomcount", "bottomcount(2,Id)"),
    ("bottompercent", "bottompercent(50,Id)"),
    ("bottomsum", "bottomsum(2,Id)"),
    ("compute", "compute(Id add 1 as More)"),
    ("concat", "concat(identity,aggregate($count as Number))"),
    ("filter", "filter(Id gt 1)"),
    ("groupby", "groupby((Name))"),
    ("identity", "identity"),
    ("orderby", "orderby(Id desc)"),
    ("search", "search(ship)"),
    ("skip", "skip(1)"),
    ("top", "top(1)"),
    ("topcount", "topcount(2,Id)"),
    ("toppercent", "toppercent(50,Id)"),
    ("topsum", "topsum(2,Id)"),
];

#[tokio::test]
async fn every_declared_transformation_works() {
    let fixture = Fixture::open().await;
    fixture.add_source("Fleet", TABLES).await;
    let call = fixture.server.get("/api/odata4/Fleet/$metadata").bearer(&fixture.token);
    let metadata = call.send().await.expect(200).text().to_owned();
    for set in metadata.split("ApplySupported\">").skip(1) {
        let value = set.split("</Annotation>").next().unwrap();
        let declared: Vec<&str> =
            value.split("<String>").skip(1).filter_map(|part| part.split('<').next()).collect();
        assert_eq!(declared, TRANSFORMATIONS.map(|(name, _)| name));
    }
    for (name, transformation) in TRANSFORMATIONS {
        assert_eq!(
            status(&fixture, Method::GET, &format!("/Ships?$apply={transformation}")).await,
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn asynchronous_requests_are_declared_unsupported() {
    let fixture = Fixture::open().await;
    let answer = fixture.get_with("/Ships?$top=1", &[("prefer", "respond-async")]).await.expect(200);
    assert!(!answer.header("preference-applied").contains("async"));
}

async fn every_function_works(fixture: &Fixture, value: &str) {
    let names: Vec<&str> =
        value.split("<String>").skip(1).filter_map(|part| part.split('<').next()).collect();
    let called: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, called, "the functions that are declared and those that are tried");
    for (name, call) in CALLS {
        let target = format!("/api/odata4/Fleet/Ships?$select=Id&$filter={call}").replace(' ', "%20");
        let answer = fixture.server.get(&target).bearer(&fixture.token).send().await.expect(200);
        assert!(answer.text().contains(r#""value":[{"Id":1}]"#), "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn unsupported_features_are_declared() {
    let fixture = Fixture::open().await;
    fixture.add_source("Fleet", TABLES).await;
    let call = fixture.server.get("/api/odata4/Fleet/$metadata").bearer(&fixture.token);
    let metadata = call.send().await.expect(200).text().to_owned();
    let all = declared(&metadata);
    for (rest, term) in [
        ("/Visits?$search=x", "SearchRestrictions"),
        ("/Ships?$filter=@Core.Description eq 'x'", "AnnotationValuesInQuerySupported"),
    ] {
        assert_eq!(status(&fixture, Method::GET, rest).await, 501, "{rest}");
        let is_declared =
            |declared: &&Declared<'_>| declared.term == term && declared.value.contains("false");
        assert!(all.iter().any(|declared| is_declared(&declared)), "{term}");
    }
    // Functions that are not listed are refused as unsupported.
    for function in [
        "matchespattern(Name,'x')",
        "isdefined(Name)",
        "aggregate(Id with max as M) gt 1",
        "cast(Draught,Edm.String) eq '1'",
    ] {
        let target = format!("/api/odata4/Fleet/Ships?$filter={function}").replace(' ', "%20");
        let answer = fixture.server.get(&target).bearer(&fixture.token).send().await.expect(501);
        assert_eq!(code(&answer), "NotImplemented", "{function}");
    }
}

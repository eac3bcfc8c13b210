//! Tests of resources, representations, versions and hostile addresses.

use http::Method;

use crate::fixture::{Fixture, ROOT, SHIPS, code, ids};

#[tokio::test]
async fn every_kind_of_resource_has_its_representation() {
    let fixture = Fixture::open().await;
    let json = "application/json;odata.metadata=minimal";
    for (rest, media_type, start) in [
        ("", json, r#"{"@odata.context":"http://127.0.0.1:8080/api/odata4/Harbour/$metadata","value":["#),
        ("/", json, r#"{"@odata.context":"#),
        ("/$metadata", "application/xml", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<edmx:Edmx "),
        (
            "/Ships?$top=1",
            json,
            r#"{"@odata.context":"http://127.0.0.1:8080/api/odata4/Harbour/$metadata#Ships","value":[{"#,
        ),
        (
            "/Ships(7)",
            json,
            r#"{"@odata.context":"http://127.0.0.1:8080/api/odata4/Harbour/$metadata#Ships/$entity","Id":7,"#,
        ),
        ("/Visits(Ship=1,Number=2)/Ship", json, r#"{"@odata.context":"#),
        ("/Ships(7)/Name/$value", "text/plain;charset=utf-8", "Ship 7"),
        ("/Ships/$count", "text/plain;charset=utf-8", "5000"),
        ("/Ships/$count?$filter=Flag eq null", "text/plain;charset=utf-8", "714"),
    ] {
        let answer = fixture.get(&rest.replace(' ', "%20")).await.expect(200);
        assert_eq!(answer.header("content-type"), media_type, "{rest}");
        assert!(answer.text().starts_with(start), "{rest}: {}", answer.text());
        assert_eq!(answer.headers().get_all("odata-version").iter().count(), 1, "{rest}");
        assert_eq!(answer.header("odata-version"), "4.01", "{rest}");
    }
    let photo = fixture.get("/Ships(1)/Photo/$value").await.expect(200);
    assert_eq!(
        (photo.header("content-type"), &photo.bytes()[..]),
        ("application/octet-stream", &[0xff, 0xd8][..])
    );
}

#[tokio::test]
async fn a_null_property_is_204_and_an_unknown_entity_404() {
    let fixture = Fixture::open().await;
    for rest in ["/Ships(7)/Flag", "/Ships(7)/Flag/$value"] {
        let answer = fixture.get(rest).await.expect(204);
        assert!(answer.bytes().is_empty() && answer.header("content-type").is_empty());
    }
    for rest in ["/Ships(0)", "/Ships(0)/Name", "/Ships(0)/Name/$value", "/Boats", "/Ships(1)/Sails"] {
        assert_eq!(code(&fixture.get(rest).await.expect(404)), "ResourceNotFound", "{rest}");
    }
}

#[tokio::test]
async fn head_responds_like_get_without_a_body() {
    let fixture = Fixture::open().await;
    for rest in [
        "",
        "/$metadata",
        "/Ships(1)",
        "/Ships?$top=5",
        "/Ships?$top=5&$format=csv",
        "/Ships",
        "/Ships?$format=ndjson",
        "/Ships(0)",
        "/Ships/$count",
        "/Ships(7)/Flag",
    ] {
        let get = fixture.get(rest).await;
        let head = fixture.send(Method::HEAD, rest, &[]).await;
        assert_eq!(head.status(), get.status(), "{rest}");
        assert!(head.bytes().is_empty(), "{rest}");
        let same = ["content-type", "content-length", "odata-version", "etag"];
        for name in same {
            assert_eq!(head.header(name), get.header(name), "{rest} {name}");
        }
        assert_eq!(head.header("link").is_empty(), get.header("link").is_empty(), "{rest}");
        let coded = [("accept-encoding", "gzip")];
        let (get, head) =
            (fixture.get_with(rest, &coded).await, fixture.send(Method::HEAD, rest, &coded).await);
        assert!(head.bytes().is_empty(), "{rest}");
        for name in same.into_iter().chain(["content-encoding", "vary"]) {
            assert_eq!(head.header(name), get.header(name), "{rest} {name}");
        }
    }
}

#[tokio::test]
async fn the_version_follows_what_the_client_accepts() {
    let fixture = Fixture::open().await;
    for (asked, answered) in [("4.0", "4.0"), ("4.01", "4.01"), ("5.0", "4.01")] {
        let answer = fixture.get_with("/Ships(1)", &[("odata-maxversion", asked)]).await.expect(200);
        assert_eq!(answer.header("odata-version"), answered);
    }
    for (name, asked) in [("odata-maxversion", "3.0"), ("odata-maxversion", "x"), ("odata-version", "2.0")] {
        let answer = fixture.get_with("/Ships(1)", &[(name, asked)]).await.expect(400);
        assert_eq!(code(&answer), "UnsupportedVersion");
        assert_eq!(answer.header("odata-version"), "4.0");
    }
    let refused = fixture.get_with("/Ships(1", &[("odata-maxversion", "4.0")]).await.expect(400);
    assert_eq!(refused.header("odata-version"), "4.0");
}

#[tokio::test]
async fn the_client_chooses_the_amount_of_control_information() {
    let fixture = Fixture::open().await;
    let accept = |value| [("accept", value)];
    let none =
        fixture.get_with("/Ships(1)", &accept("application/json;odata.metadata=none")).await.expect(200);
    assert_eq!(none.header("content-type"), "application/json;odata.metadata=none");
    assert!(!none.text().contains("@odata"), "{}", none.text());
    let full = fixture.get_with("/Ships(1)", &accept("application/json;metadata=full")).await.expect(200);
    assert_eq!(full.header("content-type"), "application/json;odata.metadata=full");
    assert!(full.text().contains(r#""@odata.id":"Ships(1)""#), "{}", full.text());
    let text =
        fixture.get_with("/Ships(1)", &accept("application/json;IEEE754Compatible=true")).await.expect(200);
    assert_eq!(text.header("content-type"), "application/json;odata.metadata=minimal;IEEE754Compatible=true");
    assert!(text.text().contains(r#""Id":"1""#), "{}", text.text());
    let streaming = "application/json;odata.metadata=minimal;odata.streaming=true";
    fixture.get_with("/Ships(1)", &accept(streaming)).await.expect(200);
    // The option in the URL takes precedence over the header.
    for format in ["json", "application/json;odata.metadata=none", "application/json"] {
        let rest = format!("/Ships(1)?$format={format}");
        fixture.get_with(&rest, &accept("text/csv")).await.expect(200);
    }
}

#[tokio::test]
async fn nulls_are_left_out_for_those_who_prefer_it() {
    let fixture = Fixture::open().await;
    let get = async |rest: &str, headers: &[(&'static str, &str)]| {
        fixture.get_with(&rest.replace(' ', "%20"), headers).await.expect(200)
    };
    let prefer = [("prefer", "omit-values=nulls")];
    for (rest, expected) in [
        (
            "/Visits?$format=application/json;odata.metadata=none",
            r#"{"value":[{"Ship":1,"Number":1,"Berth":"A"},{"Ship":1,"Number":2},{"Ship":2,"Number":1,"Berth":"B"}]}"#,
        ),
        (
            "/Visits?$select=Berth&$filter=Ship eq 1&$format=application/json;odata.metadata=none",
            r#"{"value":[{"Berth":"A"},{}]}"#,
        ),
        ("/Visits(Ship=1,Number=2)?$format=application/json;odata.metadata=none", r#"{"Ship":1,"Number":2}"#),
        ("/Visits?$select=Berth,Number&$skip=1&$top=1&$format=ndjson", "{\"Number\":2}\n"),
        (
            "/Visits?$apply=groupby((Berth))&$format=application/json;odata.metadata=none",
            r#"{"value":[{},{"Berth":"A"},{"Berth":"B"}]}"#,
        ),
        (
            "/Visits?$compute=concat(Berth,'x') as B&$select=B,Ship&$filter=Number eq 2&$format=application/json;odata.metadata=none",
            r#"{"value":[{"Ship":1}]}"#,
        ),
    ] {
        let answer = get(rest, &prefer).await;
        assert_eq!(
            (answer.text(), answer.header("preference-applied")),
            (expected, "omit-values=nulls"),
            "{rest}"
        );
    }
    // Control information stays what it is, and so does everything else.
    let full =
        get("/Ships(7)?$select=Flag,Id&$format=application/json;odata.metadata=full", &prefer).await.json();
    let all = get("/Ships(7)?$select=Flag,Id&$format=application/json;odata.metadata=full", &[]).await.json();
    let mut expected = all.clone();
    expected.as_object_mut().unwrap().remove("Flag");
    assert_eq!((full, &all["Flag"]), (expected, &serde_json::Value::Null));
    let both = get("/Ships?$top=1", &[("prefer", "maxpagesize=5, omit-values=defaults")]).await;
    assert_eq!(both.header("preference-applied"), "maxpagesize=5, omit-values=defaults");
    let nested = "/$crossjoin(Visits,Ships)?$apply=filter(Ships/Id eq 7)/groupby((Visits/Berth,Ships/Flag))";
    for rest in ["/Visits?$format=csv", "/Ships(1)/Name", "/Ships/$count", "", nested] {
        let (answer, same) = (get(rest, &prefer).await, get(rest, &[]).await);
        assert_eq!((answer.text(), answer.header("preference-applied")), (same.text(), ""), "{rest}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acceptable() {
    let fixture = Fixture::open().await;
    for (rest, accept) in [
        ("/Ships(1)", "application/xml"),
        ("/Ships", "application/atom+xml"),
        ("", "text/html"),
        ("/Ships(1)", "application/json;q=0"),
        ("/Ships(1)", "application/json;q=0, */*"),
        ("/Ships", "*/*, application/json; Q=0"),
        ("", "application/*;q=0, */*"),
        ("/Ships(1)/Name/$value", "text/*;q=0, */*"),
        ("/$metadata", "text/html"),
        ("/$metadata", "*/*;q=0"),
        ("/Ships(1)/Name/$value", "application/json"),
        ("/Ships", "text/csv;charset=utf-16"),
        ("/Ships", "application/x-ndjson;odata.metadata=full"),
    ] {
        let answer = fixture.get_with(rest, &[("accept", accept)]).await.expect(406);
        assert_eq!(code(&answer), "NotAcceptable", "{rest} {accept}");
    }
    for (rest, accept) in [
        ("/$metadata", "application/xml"),
        ("/$metadata", "text/html, application/*;q=0.1"),
        ("/$metadata?$format=xml", "application/json"),
        ("/Ships/$count", "application/json"),
        ("/Ships(1)/Name/$value", "text/plain"),
        ("/Ships(1)", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ] {
        fixture.get_with(rest, &[("accept", accept)]).await.expect(200);
    }
    for rest in [
        "/Ships?$format=atom",
        "/$metadata?$format=atom",
        "/Ships?$format=xml",
        "/Ships(1)?$format=text/csv",
        "/Ships?$format=text/csv;charset=utf-16",
        "/Ships?$format=ndjson;header=absent",
    ] {
        assert_eq!(code(&fixture.get(rest).await.expect(415)), "NotImplemented", "{rest}");
    }
    // The list of data sources is a service document too.
    let list = async |rest: &str, accept: &str| {
        let call = fixture.server.get(&format!("/api/odata4{rest}")).bearer(&fixture.token);
        call.header("accept", accept).send().await.status()
    };
    for (rest, accept, status) in [
        ("?$format=csv", "application/json", 415),
        ("?$format=json", "text/csv", 200),
        ("?timezone=GMT", "*/*", 200),
        ("", "text/csv", 406),
        ("?$filter=true", "*/*", 400),
        ("?$top=x", "*/*", 400),
    ] {
        assert_eq!(list(rest, accept).await, status, "{rest} {accept}");
    }
}

/// Clients send one header for everything, and many can read the metadata document as XML only.
#[tokio::test]
async fn the_metadata_document_is_json_for_those_who_accept_no_xml_or_ask_for_it() {
    let fixture = Fixture::open().await;
    let json = "application/json;odata.metadata=minimal;q=1.0";
    for (rest, accept, expected) in [
        ("/$metadata", "*/*", "application/xml"),
        ("/$metadata", "application/json, application/xml;q=0.1", "application/xml"),
        ("/$metadata", "application/json, */*;q=0.1", "application/xml"),
        ("/$metadata", json, "application/json"),
        ("/$metadata", "application/xml;q=0, */*", "application/json"),
        ("/$metadata?$format=json", "application/xml", "application/json"),
        ("/$metadata?$format=application/json", "application/xml", "application/json"),
        ("/$metadata?$format=xml", json, "application/xml"),
    ] {
        let answer = fixture.get_with(rest, &[("accept", accept)]).await.expect(200);
        assert_eq!(answer.header("content-type"), expected, "{rest} {accept}");
        assert!(answer.header("vary").contains("accept"));
        let is_json = serde_json::from_str::<serde_json::Value>(answer.text()).is_ok();
        assert_eq!(is_json, expected == "application/json", "{rest} {accept}");
    }
    let tag = async |format: &str| {
        let rest = format!("/$metadata?$format={format}");
        fixture.get(&rest).await.expect(200).header("etag").to_owned()
    };
    assert_ne!(tag("xml").await, tag("json").await);
}

#[tokio::test]
async fn the_metadata_document_is_sent_again_only_after_a_change() {
    let fixture = Fixture::open().await;
    let first = fixture.get("/$metadata").await.expect(200);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for given in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let same = fixture.get_with("/$metadata", &[("if-none-match", &given)]).await.expect(304);
        assert!(same.bytes().is_empty());
        assert_eq!(same.header("etag"), tag);
    }
    fixture.get_with("/$metadata", &[("if-none-match", "\"x\"")]).await.expect(200);
    let path = fixture.server.folder().join("Harbour.db");
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch("ALTER TABLE Ships ADD COLUMN Crew INTEGER")
        .unwrap();
    fixture.server.clock().advance_secs(2);
    let changed = fixture.get_with("/$metadata", &[("if-none-match", &tag)]).await.expect(200);
    assert!(changed.text().contains("\"Crew\""));
    assert!(fixture.get("/Ships(1)").await.expect(200).text().contains("\"Crew\":null"));
}

#[tokio::test]
async fn a_plus_is_a_space_and_an_encoded_plus_is_a_plus() {
    let fixture = Fixture::open().await;
    let one = fixture.get("/Ships?$filter=Name+eq+'Ship+7'").await.expect(200);
    assert_eq!(ids(&one), [7]);
    let none = fixture.get("/Ships?$filter=Name+eq+'Ship%2B7'").await.expect(200);
    assert_eq!(ids(&none), [0; 0]);
}

#[tokio::test]
async fn unsupported_features_are_refused_by_name() {
    let fixture = Fixture::open().await;
    for rest in [
        "/Ships?$expand=*($levels=6)",
        "/Ships?$search=tug&$apply=aggregate($count as Number)",
        "/Ships?$apply=concat(concat(identity,identity)/filter(Id gt 1),identity)",
        "/Ships?$expand=Visits($compute=Number mul 2 as Double)",
        "/$all",
        "/$crossjoin(Ships,Visits)/Ships",
        "/$crossjoin(Ships,Visits)?$apply=filter(true)",
        "/$entity?$id=Ships(1)",
        "/Ships/$ref",
        "/Ships?$filter=$root/Ships(1) eq $it",
        "/Ships?$filter=geo.distance(Name,Flag) lt 1",
    ] {
        let answer = fixture.get(&rest.replace(' ', "%20")).await;
        assert!(matches!(answer.status(), 501 | 400), "{rest}: {} {}", answer.status(), answer.text());
        assert!(!code(&answer).is_empty());
    }
    assert_eq!(fixture.get("/Ships?$search=tug&$apply=groupby((Name))").await.status(), 501);
    assert_eq!(fixture.get("/Ships?$search=tug&$apply=identity").await.status(), 200);
}

#[tokio::test]
async fn hostile_addresses_are_refused_in_the_form_of_the_endpoint() {
    let fixture = Fixture::open().await;
    let deep = format!("/Ships?$filter={}Id eq 1{}", "(".repeat(5_000), ")".repeat(5_000));
    let long_list = format!("/Ships?$filter=Id in ({}1)", "1,".repeat(1_500));
    for (rest, status) in [
        ("/Ships?$filter=Name eq 'x'' or 1 eq 1 --", 400),
        ("/Ships('1 or 1=1')", 400),
        ("/Ships(1);drop table Ships", 400),
        ("/Ships?$filter=%", 400),
        ("/Ships?$filter=%ff", 400),
        ("/Ships?%", 400),
        ("/Ships?x%=1", 400),
        ("/Ships?x=%4", 400),
        ("/Ships%", 400),
        ("/Ships(1)/Name%zz", 400),
        ("/?%", 400),
        ("/$metadata?%", 400),
        ("%", 400),
        ("%ff/Ships", 400),
        ("/Ships?$filter=%00", 400),
        ("/Ships?$top=-1", 400),
        ("/Ships?$top=99999999999999999999999", 400),
        ("/Ships?$top=1&$top=2", 400),
        ("/Ships?$frob=1", 400),
        ("/Ships?$skiptoken=x", 400),
        ("/Ships?$select=Nonsense", 400),
        ("/Ships?$orderby=", 400),
        ("/..%2f..%2fetc/passwd", 404),
        ("//Ships", 404),
        ("/Ships//Name", 404),
        (deep.as_str(), 400),
        (long_list.as_str(), 400),
    ] {
        let answer = fixture.get(&rest.replace(' ', "%20")).await;
        let start = rest.chars().take(60).collect::<String>();
        assert_eq!(answer.status(), status, "{start}: {}", answer.text());
        assert!(!code(&answer).is_empty(), "{start}");
    }
    assert_eq!(fixture.get("/Ships/$count").await.expect(200).text(), SHIPS.to_string());
}

#[tokio::test]
async fn an_address_of_32_kib_is_read_and_a_longer_one_refused() {
    let fixture = Fixture::open().await;
    let start = "/Ships?$filter=Name%20eq%20'";
    let filled = |length: usize| format!("{start}{}'", "x".repeat(length - ROOT.len() - start.len() - 1));
    assert_eq!(ids(&fixture.get(&filled(32 * 1024)).await.expect(200)), [0; 0]);
    assert_eq!(code(&fixture.get(&filled(32 * 1024 + 1)).await.expect(414)), "UrlTooLong");
}

#[tokio::test]
async fn a_renamed_source_has_its_new_name_in_links_at_once() {
    let fixture = Fixture::open().await;
    let source =
        fixture.add_source("Old", "CREATE TABLE T (Id INTEGER PRIMARY KEY); INSERT INTO T VALUES (1)").await;
    let get = async |path: &str| fixture.server.get(path).bearer(&fixture.token).send().await;
    assert!(get("/api/odata4/old/T").await.expect(200).text().contains("/Old/$metadata"));
    fixture.rename(&source, "New").await;
    assert!(get("/api/odata4/new/T").await.expect(200).text().contains("/New/$metadata"));
    get("/api/odata4/old/T").await.expect(404);
}

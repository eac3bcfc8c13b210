//! Entity tags: what a read says of an entity is what a change expects of it.

use super::*;

/// The tag in an entity.
fn tag_in(entity: &Value) -> String {
    entity["@odata.etag"].as_str().unwrap_or_else(|| panic!("{entity}")).to_owned()
}

impl Accounting {
    /// Reads with a header that may come more than once.
    async fn get_if(&self, rest: &str, header: &'static str, values: &[&str]) -> Answer {
        let mut call = self.call(Method::GET, rest);
        for value in values {
            call = call.header(header, value);
        }
        call.send().await
    }
}

#[tokio::test]
async fn a_read_answers_the_tag_that_a_change_expects() {
    let books = Accounting::open().await;
    let changed = books.send(Method::PATCH, "/Accounts(1)", &json!({ "Note": "ä" })).await.expect(204);
    let tag = changed.header("etag");
    for rest in [
        "/Accounts(1)",
        "/Accounts(@id)?@id=1",
        "/Accounts(1)?$select=Name",
        "/Accounts(1)?$select=Balance&$expand=Entries($select=Number)",
        "/Accounts(1)?$expand=Entries/$count",
        "/Accounts(1)?$compute=length(Name)%20as%20Length&$select=Length",
        "/Accounts(1)?$format=application/json;odata.metadata=full",
        "/Accounts(1)?$format=application/json;odata.metadata=none",
        "/Entries(Account=1,Number=1)/Accounts",
        "/Entries(Account=1,Number=1)/Accounts?$select=Note",
    ] {
        let read = books.get(rest).await.expect(200);
        // It says nothing of what is shown besides the entity's own properties.
        let expected = if rest.contains("$expand") || rest.contains("$compute") { "" } else { tag };
        assert_eq!(read.header("etag"), expected, "{rest}");
        let body = read.json();
        if rest.ends_with("none") {
            assert!(!read.text().contains("odata.etag"), "{body}");
        } else {
            assert_eq!(tag_in(&body), tag, "{rest}");
        }
        let head = books.call(Method::HEAD, rest).send().await.expect(200);
        assert_eq!(
            (head.header("etag"), head.header("content-length")),
            (expected, &*read.bytes().len().to_string())
        );
    }
    let given = books.call(Method::PATCH, "/Accounts(1)").header("if-match", tag);
    given.json(&json!({ "Note": "b" })).send().await.expect(204);
    let other = books.get("/Accounts(1)").await.expect(200);
    assert_ne!(other.header("etag"), tag);
    let shown =
        books.call(Method::PATCH, "/Accounts(1)?$select=Id").header("prefer", "return=representation");
    let shown = shown.json(&json!({ "Note": "c" })).send().await.expect(200);
    assert_eq!(tag_in(&shown.json()), shown.header("etag"));
}

#[tokio::test]
async fn what_is_shown_with_an_entity_is_never_called_unmodified() {
    let books = Accounting::open().await;
    let tag = books.get("/Accounts(1)").await.expect(200).header("etag").to_owned();
    for rest in ["/Accounts(1)?$expand=Entries", "/Accounts(1)?$compute=Entries/$count%20as%20N&$select=N"] {
        let before = books.get(rest).await.expect(200).text().to_owned();
        let number = if rest.contains("expand") { 7 } else { 8 };
        let body = json!({ "Account": 1, "Number": number });
        books.send(Method::POST, "/Entries", &body).await.expect(201);
        let after = books.get_if(rest, "if-none-match", &[&tag]).await.expect(200);
        assert_ne!(after.text(), before, "{rest}");
        books.get_if(rest, "if-match", &["\"other\""]).await.expect(412);
        books.get_if(rest, "if-match", &[&tag]).await.expect(200);
    }
    books.get_if("/Accounts(1)", "if-none-match", &[&tag]).await.expect(304);
}

#[tokio::test]
async fn entities_of_collections_have_their_tags() {
    let books = Accounting::open().await;
    books.send(Method::POST, "/Entries", &json!({ "Account": 1, "Number": 2 })).await.expect(201);
    let one = async |rest: &str| books.get(rest).await.expect(200).header("etag").to_owned();
    let (cash, safe) = (one("/Accounts(1)").await, one("/Accounts(2)").await);
    let (first, second) =
        (one("/Entries(Account=1,Number=1)").await, one("/Entries(Account=1,Number=2)").await);
    for rest in [
        "/Accounts",
        "/Accounts?$select=Name&$orderby=Id",
        "/Accounts?$filter=Id%20gt%200&$count=true&$expand=Entries",
    ] {
        let page = books.get(rest).await.expect(200).json();
        let tags: Vec<String> = page["value"].as_array().unwrap().iter().map(tag_in).collect();
        assert_eq!(tags, [cash.clone(), safe.clone()], "{rest}");
    }
    for rest in [
        "/Accounts?$expand=Entries",
        "/Accounts?$select=Name&$expand=Entries($select=At;$orderby=Number;$expand=Accounts($select=Id))",
        "/Accounts?$select=Name&$expand=Entries($select=At;$orderby=Number;$top=2;$expand=Accounts)",
        "/Accounts?$top=1&$expand=Entries($count=true)",
    ] {
        let page = books.get(rest).await.expect(200).json();
        let entries = page["value"][0]["Entries"].as_array().unwrap().clone();
        assert_eq!(entries.iter().map(tag_in).collect::<Vec<_>>(), [first.clone(), second.clone()], "{rest}");
        if let Some(account) = entries[0].get("Accounts") {
            assert_eq!(tag_in(account), cash, "{rest}");
        }
    }
    let related = books.get("/Accounts(1)/Entries?$select=Paid").await.expect(200).json();
    assert_eq!(tag_in(&related["value"][1]), second);
    for rest in [
        "/Accounts(1)/Entries/$ref",
        "/Accounts?$format=application/json;odata.metadata=none",
        "/Accounts?$apply=groupby((Name))",
        "/Accounts(1)/Name",
    ] {
        let answer = books.get(rest).await.expect(200);
        assert!(
            !answer.text().contains("etag") && answer.header("etag").is_empty(),
            "{rest}: {}",
            answer.text()
        );
    }
    books.fixture.set_writable(&books.source, false).await;
    for rest in ["/Accounts(1)", "/Accounts?$expand=Entries"] {
        let answer = books.get(rest).await.expect(200);
        assert!(
            !answer.text().contains("etag") && answer.header("etag").is_empty(),
            "{rest}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn conditions_hold_for_reads_too() {
    let books = Accounting::open().await;
    let tag = books.get("/Accounts(1)").await.expect(200).header("etag").to_owned();
    let strong = tag.strip_prefix("W/").unwrap();
    let listed = format!("\"x\" ,\tW/\"y\",{tag}");
    for (header, values, status) in [
        ("if-none-match", vec![&*tag], 304),
        ("if-none-match", vec![strong], 304),
        ("if-none-match", vec!["*"], 304),
        ("if-none-match", vec![&*listed], 304),
        ("if-none-match", vec!["\"x\"", &*tag], 304),
        ("if-none-match", vec!["\"x\""], 200),
        ("if-match", vec![&*tag], 200),
        ("if-match", vec!["*"], 200),
        ("if-match", vec![strong, "\"x\""], 200),
        ("if-match", vec!["\"x\""], 412),
    ] {
        for rest in ["/Accounts(1)?$select=Name", "/Entries(Account=1,Number=1)/Accounts"] {
            let answer = books.get_if(rest, header, &values).await.expect(status);
            match status {
                412 => assert_eq!(code(&answer), "PreconditionFailed"),
                304 => assert!(answer.bytes().is_empty() && answer.header("content-type").is_empty()),
                _ => assert!(!answer.bytes().is_empty()),
            }
            assert_eq!(answer.header("etag") == tag, status != 412, "{header} {values:?}");
        }
    }
    books.get_if("/Accounts(9)", "if-match", &["*"]).await.expect(404);
    let batch = json!({ "requests": [
        { "id": "1", "method": "get", "url": "Accounts(1)" },
        { "id": "2", "method": "get", "url": "Accounts(1)", "headers": { "if-none-match": tag } },
    ] });
    let responses = books.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    let responses = &responses["responses"];
    assert_eq!((&responses[0]["status"], &responses[0]["headers"]["etag"]), (&json!(200), &json!(tag)));
    assert_eq!((&responses[1]["status"], responses[1].get("body")), (&json!(304), None), "{responses}");
}

#[tokio::test]
async fn one_of_the_tags_of_a_change_must_be_that_of_the_entity() {
    let books = Accounting::open().await;
    let of_now = async || books.get("/Accounts(1)").await.expect(200).header("etag").to_owned();
    let old = of_now().await;
    books.send(Method::PATCH, "/Accounts(1)", &json!({ "Note": "0" })).await.expect(204);
    let lists: [fn(&str, &str) -> Vec<String>; 7] = [
        |now, _| vec![format!("{now},{now}")],
        |now, old| vec![format!("{now},{old}")],
        |now, old| vec![format!("{old}, {now}")],
        |now, _| vec![format!("{now}"), format!("{now}")],
        |now, old| vec![old.to_owned(), now.to_owned()],
        |now, old| vec![format!("  {old}\t,,{now} , ")],
        |now, _| vec![now.strip_prefix("W/").unwrap_or_default().to_owned()],
    ];
    for (at, list) in lists.iter().enumerate() {
        let now = of_now().await;
        let mut call = books.call(Method::PATCH, "/Accounts(1)");
        let values = list(&now, &old);
        for value in &values {
            call = call.header("if-match", value);
        }
        let answer = call.json(&json!({ "Note": format!("{at}x") })).send().await;
        assert_eq!(answer.status(), 204, "{values:?} {}", answer.text());
    }
    let twice = format!("{old},{old}");
    let call = books.call(Method::PATCH, "/Accounts(1)").header("if-match", &twice);
    call.json(&json!({ "Note": "x" })).send().await.expect(412);
}

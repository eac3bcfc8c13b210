//! Several changes in one transaction.

use super::*;

/// A request of a batch within the group `g`.
fn member(id: &str, method: &str, url: &str, body: &Value) -> Value {
    let mut request = json!({ "id": id, "method": method, "url": url, "atomicityGroup": "g" });
    if !body.is_null() {
        request["body"] = body.clone();
    }
    request
}

impl Accounting {
    /// Sends a group, and returns its responses.
    async fn together(&self, members: &[Value]) -> Vec<Value> {
        let answer = self.send(Method::POST, "/$batch", &json!({ "requests": members })).await;
        let answer = answer.expect(200).json();
        let responses = answer["responses"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        assert!(responses.iter().all(|one| one["atomicityGroup"] == "g"), "{answer}");
        responses
    }

    async fn statuses(&self, members: &[Value]) -> Vec<u64> {
        self.together(members).await.iter().map(|one| one["status"].as_u64().unwrap()).collect()
    }

    async fn audited(&self) -> usize {
        let log = self.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
        log.expect(200).json().to_string().matches("Accounting/").count()
    }
}

#[tokio::test]
async fn a_group_is_made_together_and_its_requests_refer_to_what_earlier_ones_create() {
    let books = Accounting::open().await;
    let responses = books
        .together(&[
            member("new", "post", "Accounts", &json!({ "Name": "Petty" })),
            member("2", "post", "Entries", &json!({ "Accounts@odata.bind": "$new", "Number": 1 })),
            member("3", "post", "Entries", &json!({ "Accounts": { "@id": "$new" }, "Number": 2 })),
            member("4", "patch", "$new", &json!({ "Note": "seen" })),
            member("5", "put", "$new/Balance", &json!({ "value": 5 })),
            member("6", "delete", "Accounts(2)", &Value::Null),
            member("7", "post", "$new/Entries", &json!({ "Number": 3 })),
        ])
        .await;
    let statuses: Vec<_> = responses.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [201, 201, 201, 204, 204, 204, 201], "{responses:?}");
    let id = &responses[0]["body"]["Id"];
    assert_eq!((&responses[1]["body"]["Account"], &responses[2]["body"]["Account"]), (id, id));
    assert_eq!(&responses[6]["body"]["Account"], id);
    assert!(responses[3]["headers"]["etag"].is_string(), "{responses:?}");
    let row = books.get(&format!("/Accounts({id})")).await.expect(200).json();
    assert_eq!((&row["Note"], &row["Balance"]), (&json!("seen"), &json!(5.0)));
    assert_eq!((books.count("SELECT count(*) FROM Accounts"), books.audited().await), (2, 7));
}

#[tokio::test]
async fn one_failure_undoes_the_whole_group() {
    let books = Accounting::open().await;
    let first = member("1", "post", "Accounts", &json!({ "Name": "First" }));
    let last = member("9", "patch", "Accounts(1)", &json!({ "Note": "last" }));
    for (failing, status) in [
        (member("2", "post", "Accounts", &json!({ "Name": "Cash" })), 409),
        (member("2", "patch", "Accounts(77)/Name", &json!({ "value": "x" })), 404),
        (member("2", "patch", "Accounts(1)", &json!({ "Nothing": 1 })), 400),
        (member("2", "delete", "Accounts(1)", &Value::Null), 409),
        (member("2", "post", "Entries", &json!({ "Accounts@odata.bind": "$9", "Number": 5 })), 400),
        (member("2", "patch", "$9", &json!({ "Note": "x" })), 400),
        (member("2", "post", "$1/Entries", &json!({ "Number": 1, "Account": 1 })), 400),
        (member("2", "patch", "Entries(Account=77,Number=1)/Accounts", &json!({ "Note": "x" })), 404),
        (member("2", "patch", "/api/odata4/Harbour/Ships(1)", &json!({ "Name": "x" })), 501),
        (member("2", "get", "Accounts(77)", &Value::Null), 404),
        (member("2", "get", "Accounts?$filter=Nothing eq 1", &Value::Null), 400),
        (member("2", "get", "$metadata?$format=atom", &Value::Null), 415),
        (member("2", "get", "Accounts?$format=atom", &Value::Null), 415),
        (member("2", "get", "/api/odata4/Harbour/Ships(1)", &Value::Null), 501),
    ] {
        let failing: Value = serde_json::from_str(&failing.to_string().replace(" eq ", "%20eq%20")).unwrap();
        let statuses = books.statuses(&[first.clone(), failing.clone(), last.clone()]).await;
        assert_eq!(statuses, [424, status, 424], "{failing}");
        assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Name = 'First' OR Note = 'last'"), 0);
    }
    assert_eq!(books.audited().await, 0);
}

#[tokio::test]
async fn a_condition_in_a_group_is_about_what_the_group_has_changed() {
    let books = Accounting::open().await;
    let tag = books.send(Method::PATCH, "/Accounts(1)", &json!({ "Note": "0" })).await.expect(204);
    let tag = tag.header("etag").to_owned();
    let with_tag = |id: &str, note: &str| {
        let mut request = member(id, "patch", "Accounts(1)", &json!({ "Note": note }));
        request["headers"] = json!({ "if-match": tag });
        request
    };
    assert_eq!(books.statuses(&[with_tag("1", "1"), with_tag("2", "2")]).await, [424, 412]);
    assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Note = '0'"), 1);
    assert_eq!(books.statuses(&[with_tag("1", "0"), with_tag("2", "2")]).await, [204, 204]);
}

#[tokio::test]
async fn reads_of_a_group_see_what_its_changes_have_done() {
    let books = Accounting::open().await;
    let get = |id: &str, url: &str| member(id, "get", url, &Value::Null);
    let mut text = get("5", "Accounts?$select=Id,Name&$format=csv");
    text["headers"] = json!({ "prefer": "maxpagesize=2" });
    let mut tagged = member("9", "patch", "$8", &json!({ "Note": "seen" }));
    tagged["headers"] = json!({ "if-match": "$8" });
    let group = [
        get("1", "Accounts/$count"),
        member("new", "post", "Accounts", &json!({ "Name": "Petty" })),
        get("3", "Accounts/$count"),
        get("4", "$new/Name"),
        text,
        get("6", "$new/Note/$value"),
        member("7", "head", "Accounts", &Value::Null),
        get("8", "$new?$select=Name"),
        tagged,
        get("10", "$8/Note/$value"),
    ];
    let answers = books.together(&group).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 201, 200, 200, 200, 204, 200, 200, 204, 200], "{answers:?}");
    assert_eq!((&answers[0]["body"], &answers[2]["body"]), (&json!("2"), &json!("3")));
    assert_eq!((&answers[3]["body"]["value"], &answers[9]["body"]), (&json!("Petty"), &json!("seen")));
    assert_eq!(answers[4]["body"], "Id,Name\r\n1,Cash\r\n2,Safe\r\n");
    assert!(answers[4]["headers"]["link"].as_str().unwrap().ends_with("; rel=\"next\""), "{answers:?}");
    assert!(answers[6].get("body").is_none() && answers[7]["body"]["Name"] == "Petty", "{answers:?}");
    assert_eq!(books.audited().await, 2, "reads are no changes");
    let described = [
        get("1", "$metadata"),
        member("2", "patch", "Accounts(1)", &json!({ "Note": "described" })),
        get("3", "/api/odata4/Accounting"),
        get("4", "$metadata?$format=json"),
    ];
    let answers = books.together(&described).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 204, 200, 200], "{answers:?}");
    // XML is bytes in JSON.
    assert!(answers[0]["body"].is_string() && answers[0]["headers"]["etag"].is_string(), "{answers:?}");
    assert_eq!(answers[2]["body"]["value"][0]["name"], "Accounts", "{answers:?}");
    assert!(answers[3]["body"]["$Version"].is_string(), "{answers:?}");
    // What is undone was never shown.
    let failing = [get("1", "Accounts/$count"), member("2", "delete", "Accounts(77)", &Value::Null)];
    assert_eq!(books.statuses(&failing).await, [424, 404]);
}

/// The members of a request besides its id, method and address.
fn request(id: &str, method: &str, url: &str, more: Value) -> Value {
    let mut request = more;
    (request["id"], request["method"], request["url"]) = (json!(id), json!(method), json!(url));
    request
}

#[tokio::test]
async fn later_requests_refer_to_the_entities_and_the_tags_of_earlier_ones() {
    let books = Accounting::open().await;
    let group = |request: Value| {
        let mut request = request;
        request["atomicityGroup"] = json!("g");
        request
    };
    let of = |header: &str, id: &str| json!({ "headers": { header: id }, "body": { "Note": id } });
    let requests = [
        (request("new", "post", "Accounts", json!({ "body": { "Name": "Petty" } })), 201),
        (request("2", "post", "$new/Entries", json!({ "dependsOn": ["new"], "body": { "Number": 3 } })), 201),
        (
            request(
                "3",
                "post",
                "Entries",
                json!({ "body": { "Accounts@odata.bind": "$new", "Number": 4 } }),
            ),
            201,
        ),
        (request("read", "get", "$new", json!({})), 200),
        (request("5", "get", "$read/Entries/$count", json!({})), 200),
        (request("6", "patch", "$read", of("if-match", "$read")), 204),
        (request("7", "patch", "$new", of("if-match", "$read")), 412),
        (request("8", "patch", "Accounts(1)", of("if-match", "$new")), 412),
        (request("9", "get", "$new", of("if-none-match", "$6")), 304),
        (request("10", "get", "$9/Note", json!({})), 200),
        (request("11", "get", "$7", json!({})), 424),
        (request("12", "patch", "$new", of("if-match", "$8")), 424),
        (request("13", "get", "$nowhere", json!({})), 400),
        (request("14", "patch", "$new", of("if-match", "$nowhere")), 400),
        (request("15", "patch", "$new", of("if-match", "$5")), 400),
        (
            request("16", "post", "Entries", json!({ "body": { "Accounts@odata.bind": "$7", "Number": 9 } })),
            400,
        ),
        (
            group(request(
                "17",
                "post",
                "Entries",
                json!({ "body": { "Accounts@odata.bind": "$new", "Number": 5 } }),
            )),
            201,
        ),
        (group(request("18", "patch", "$new", of("if-match", "$6"))), 204),
        (group(request("19", "patch", "$read", of("if-match", "$18"))), 204),
        (request("20", "delete", "$17", json!({})), 204),
        (request("21", "patch", "$new", of("if-match", "$19")), 204),
        (request("22", "get", "$20", json!({})), 400),
    ];
    let all: Vec<_> = requests.iter().map(|(request, _)| request).collect();
    let answer = books.send(Method::POST, "/$batch", &json!({ "requests": all })).await.expect(200).json();
    for ((request, expected), response) in requests.iter().zip(answer["responses"].as_array().unwrap()) {
        assert_eq!(response["status"], json!(expected), "{request} {response}");
    }
    assert_eq!(
        books.count("SELECT count(*) FROM Entries JOIN Accounts ON Id = Account WHERE Name = 'Petty'"),
        2
    );
    assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Name = 'Petty' AND Note = '$19'"), 1);
    // A tag that an earlier change of the group has left is not that of another entity.
    let apart = [
        member("1", "patch", "Accounts(1)", &json!({ "Note": "1" })),
        group(request("2", "patch", "Accounts(2)", of("if-match", "$1"))),
    ];
    assert_eq!(books.statuses(&apart).await, [424, 412]);
    let alone = books.call(Method::PATCH, "/Accounts(1)").header("if-match", "$1");
    alone.json(&json!({ "Note": "x" })).send().await.expect(400);
}

#[tokio::test]
async fn who_may_not_change_a_source_changes_nothing_in_a_group() {
    let books = Accounting::open().await;
    books.fixture.set_writable(&books.source, false).await;
    let change = |id: &str| member(id, "patch", "Accounts(1)", &json!({ "Note": "x" }));
    assert_eq!(books.statuses(&[change("1"), change("2")]).await, [405, 424]);
}

/// As UI5 sends it.
#[tokio::test]
async fn a_change_set_is_answered_by_a_part_for_each_change_or_by_one_refusal() {
    let books = Accounting::open().await;
    let change = |id: &str, line: &str, body: &str| {
        format!(
            "--inner\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n{line} HTTP/1.1\r\n\
             Content-Type: application/json\r\n\r\n{body}\r\n"
        )
    };
    let send = async |changes: &[String]| {
        let head = "--outer\r\nContent-Type: multipart/mixed;boundary=inner\r\n\r\n";
        let body = format!("{head}{}--inner--\r\n--outer--\r\n", changes.concat());
        let call = books.call(Method::POST, "/$batch");
        call.body("multipart/mixed;boundary=outer", body).send().await.expect(200).text().to_owned()
    };
    let new = change("1", "POST Accounts", r#"{"Name":"Petty"}"#);
    let made = send(&[new.clone(), change("2", "PATCH $1", r#"{"Note":"x"}"#)]).await;
    let lines: Vec<_> = made.lines().collect();
    assert!(lines[0].starts_with("--batch_"), "{made}");
    let inner = lines[1].strip_prefix("Content-Type: multipart/mixed;boundary=").unwrap();
    assert!(inner.starts_with("changeset_"), "{made}");
    assert_eq!(lines.iter().filter(|line| **line == format!("--{inner}")).count(), 2, "{made}");
    assert_eq!(lines.iter().filter(|line| **line == format!("--{inner}--")).count(), 1, "{made}");
    assert!(lines.last().unwrap().starts_with("--batch_") && lines.last().unwrap().ends_with("--"), "{made}");
    assert!(made.contains("HTTP/1.1 201 Created") && made.contains("HTTP/1.1 204 No Content"), "{made}");
    assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Name = 'Petty' AND Note = 'x'"), 1);
    let after = format!(
        "--outer\r\nContent-Type: multipart/mixed;boundary=inner\r\n\r\n{}--inner--\r\n--outer\r\n\
         Content-Type: application/http\r\n\r\nGET $7/Name/$value HTTP/1.1\r\n\r\n\r\n--outer--\r\n",
        change("7", "POST Accounts", r#"{"Name":"Across"}"#)
    );
    let after = books.call(Method::POST, "/$batch").body("multipart/mixed;boundary=outer", after);
    let after = after.send().await.expect(200).text().to_owned();
    assert!(after.contains("\r\n\r\nAcross\r\n--batch_"), "{after}");
    let undone_body = format!(
        "--outer\r\nContent-Type: multipart/mixed;boundary=inner\r\n\r\n{}{}--inner--\r\n--outer\r\n\
         Content-Type: application/http\r\n\r\nGET $8/Name/$value HTTP/1.1\r\n\r\n\r\n--outer--\r\n",
        change("8", "POST Accounts", r#"{"Name":"Undone"}"#),
        change("9", "DELETE Accounts(77)", "")
    );
    let undone = books.call(Method::POST, "/$batch").header("prefer", "continue-on-error");
    let undone = undone.body("multipart/mixed;boundary=outer", undone_body).send().await.expect(200);
    assert!(
        undone.text().contains("HTTP/1.1 404") && undone.text().contains("HTTP/1.1 424"),
        "{}",
        undone.text()
    );
    let refused = send(&[change("3", "DELETE Entries(Account=1,Number=1)", ""), new]).await;
    assert!(!refused.contains("changeset_") && refused.contains("Content-ID: 1\r\n"), "{refused}");
    assert_eq!(refused.matches("HTTP/1.1 ").count(), 1, "{refused}");
    assert!(refused.contains("HTTP/1.1 409 Conflict"), "{refused}");
    assert_eq!(books.count("SELECT count(*) FROM Entries"), 1);
}

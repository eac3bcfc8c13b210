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
        (member("2", "patch", "$9", &json!({ "Note": "x" })), 501),
        (member("2", "post", "$1/Entries", &json!({ "Number": 1, "Account": 1 })), 400),
        (member("2", "patch", "Entries(Account=77,Number=1)/Accounts", &json!({ "Note": "x" })), 404),
        (member("2", "patch", "/api/odata4/Harbour/Ships(1)", &json!({ "Name": "x" })), 501),
        (member("2", "get", "Accounts(1)", &Value::Null), 424),
    ] {
        let statuses = books.statuses(&[first.clone(), failing.clone(), last.clone()]).await;
        let expected = if failing["method"] == "get" { [501, 424, 424] } else { [424, status, 424] };
        assert_eq!(statuses, expected, "{failing}");
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
    let refused = send(&[change("3", "DELETE Entries(Account=1,Number=1)", ""), new]).await;
    assert!(!refused.contains("changeset_") && refused.contains("Content-ID: 1\r\n"), "{refused}");
    assert_eq!(refused.matches("HTTP/1.1 ").count(), 1, "{refused}");
    assert!(refused.contains("HTTP/1.1 409 Conflict"), "{refused}");
    assert_eq!(books.count("SELECT count(*) FROM Entries"), 1);
}

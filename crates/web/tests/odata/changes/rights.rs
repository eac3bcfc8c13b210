//! Who may change what.

use super::*;

#[tokio::test]
async fn the_owner_the_user_and_the_grant_must_allow_it() {
    let books = Accounting::open().await;
    let server = &books.fixture.server;
    let reads = async |scope: BuiltInScope| {
        server.access_token(&USER, ApplicationId::new(1), ScopeSet::from(scope)).await
    };
    let tokens = [reads(BuiltInScope::OData).await, reads(BuiltInScope::ODataRead).await];
    for token in &tokens {
        let call = |method| server.call(method, &format!("{ROOT}/Accounts(1)")).bearer(token);
        call(Method::GET).send().await.expect(200);
        let refused = call(Method::PATCH).json(&json!({"Note": "x"})).send().await.expect(403);
        assert_eq!(code(&refused), "ChangeNotGranted", "a token without a consent to changes reads only");
    }
    let as_user = |user: &TestUser| {
        server.call(Method::PATCH, &format!("{ROOT}/Accounts(1)")).basic(user).json(&json!({"Note": "x"}))
    };
    assert_eq!(code(&as_user(&OTHER).send().await.expect(404)), "DataSourceNotFound");
    books.fixture.share(&books.source, &OTHER).await;
    as_user(&OTHER).send().await.expect(204);
    books.fixture.set_writable(&books.source, false).await;
    for user in [&USER, &OTHER] {
        assert_eq!(code(&as_user(user).send().await.expect(405)), "DataSourceReadOnly");
    }
    let nobody = server.call(Method::PATCH, &format!("{ROOT}/Accounts(1)")).json(&json!({})).send().await;
    assert_eq!(code(&nobody.expect(401)), "NotAuthenticated");
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_with_remembered_credentials() {
    let books = Accounting::open().await;
    for (site, origin, status) in [
        (Some("cross-site"), None, 403),
        (Some("same-site"), None, 403),
        (None, Some("https://elsewhere.example"), 403),
        (None, Some("null"), 403),
        (Some("same-origin"), None, 204),
        (Some("none"), None, 204),
        (None, None, 204),
    ] {
        for rest in ["/Accounts(1)", "/$batch"] {
            let is_batch = rest == "/$batch";
            let mut call = books.call(if is_batch { Method::POST } else { Method::PATCH }, rest);
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    call = call.header(name, value);
                }
            }
            let change = json!({"id": "1", "method": "patch", "url": "Accounts(1)", "body": {"Note": "x"}});
            let body = if is_batch { json!({ "requests": [change] }) } else { json!({"Note": "x"}) };
            let answer = call.json(&body).send().await;
            if is_batch {
                assert_eq!(
                    answer.expect(200).json()["responses"][0]["status"],
                    status,
                    "{site:?} {origin:?}"
                );
            } else {
                answer.expect(status);
            }
        }
    }
}

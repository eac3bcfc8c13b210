//! What an account says about its user: set by administrators, edited by the user.

use serde_json::json;
use testkit::{ADMIN, TestServer, USER};

async fn path_of_user(server: &TestServer) -> String {
    format!("/api/admin/users/{}", server.user(&USER).await.id)
}

#[tokio::test]
async fn an_administrator_sets_attributes_and_the_user_edits_them() {
    let server = TestServer::start().await;
    let path = path_of_user(&server).await;
    let attributes = json!({
        "givenName": "Ada", "familyName": "Lovelace", "email": "ada@example.com", "emailVerified": true,
        "phoneNumber": "+44 20 7946 0123", "phoneNumberVerified": true, "birthdate": "1815-12-10",
        "address": { "locality": "London", "country": "GB" },
    });
    let body = json!({ "attributes": attributes });
    let changed = server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200).json();
    assert_eq!(changed["attributes"], attributes);

    let mut browser = server.browser();
    browser.get("/account/profile").await;
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    assert!(page.contains("value=\"ada@example.com\"") && page.contains("value=\"London\""), "{page}");
    let form = browser.form("/account/profile").fill("email", "countess@example.com").fill("nickname", "Ada");
    let page = browser.submit(form).await.expect(200).text().to_owned();
    assert!(page.contains("Your details were saved"), "{page}");

    let now = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    let now = &now["attributes"];
    assert_eq!((&now["email"], &now["emailVerified"]), (&json!("countess@example.com"), &json!(false)));
    assert_eq!((&now["phoneNumberVerified"], &now["nickname"]), (&json!(true), &json!("Ada")));

    let removed = json!({ "attributes": {} });
    let changed = server.put(&path).basic(&ADMIN).json(&removed).send().await.expect(200).json();
    assert!(changed.get("attributes").is_none());
}

#[tokio::test]
async fn malformed_attributes_are_refused_with_their_names_and_change_nothing() {
    let server = TestServer::start().await;
    let path = path_of_user(&server).await;
    let wrong = json!({ "attributes": {
        "email": "ada", "birthdate": "yesterday", "picture": "javascript:alert(1)",
        "address": { "locality": "a\nb" },
    } });
    let refused = server.put(&path).basic(&ADMIN).json(&wrong).send().await.expect(400);
    let mut fields = refused.faulty_fields();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["attributes.address.locality", "attributes.birthdate", "attributes.email", "attributes.picture"]
    );

    let unknown = json!({ "attributes": { "colour": "red" } });
    let refused = server.put(&path).basic(&ADMIN).json(&unknown).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["attributes.colour"]);

    let mut browser = server.browser();
    browser.get("/account/profile").await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form("/account/profile").fill("email", "nowhere").fill("given_name", "Ada");
    let page = browser.submit(form).await.expect(400).text().to_owned();
    assert!(page.contains("Email must be a mail address") && page.contains("value=\"nowhere\""), "{page}");
    let user = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert!(user.get("attributes").is_none());
}

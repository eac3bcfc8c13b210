//! The pages of the account on which users store their logins.

use serde_json::json;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Browser, OTHER, USER};

use super::{Office, postgres_tables};
use crate::fixture::code;
use crate::postgres;

const PAGE: &str = "/account/logins";

impl Office<'_> {
    fn page(&self) -> String {
        format!("{PAGE}/{}", self.id)
    }

    /// Stores a login on the page, and returns the page that follows.
    async fn store_on_page(&self, browser: &mut Browser<'_>, login: (&str, &str), status: u16) -> String {
        browser.get(&self.page()).await.expect(200);
        let form = browser.form_with_button("database-login-submit");
        assert!(!form.fields.iter().any(|(_, value)| value == "ps"), "no form has what is stored");
        let form = form.fill("user", &self.name(login.0)).fill("password", login.1);
        browser.submit(form).await.expect(status).text().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_store_and_delete_their_logins_on_the_pages_of_the_account() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&postgres_tables(&name));
    let payload = postgres::payload("office", &postgres::options(&database.url()));
    let office = Office::open(payload, "stored", &name, |sql| database.run(sql)).await;
    let mut browser = office.server.browser_of(&USER, PAGE).await;
    let list = browser.page().text();
    assert!(list.contains("office") && list.contains("You have not stored a login"), "{list}");

    let refused = office.store_on_page(&mut browser, ("south", ""), 400).await;
    assert!(refused.contains("id=\"database-login-problem\""), "{refused}");
    assert!(refused.contains(&format!("value=\"{name}_south\"")), "the name stays: {refused}");
    browser.get(&format!("{}/delete", office.page())).await.expect(404);
    assert_eq!(code(&office.get(&USER, None, "/lines").await.expect(403)), "DatabaseLoginMissing");

    let list = office.store_on_page(&mut browser, ("south", "ps"), 200).await;
    assert!(list.contains("The login was stored") && list.contains(">Stored<"), "{list}");
    assert!(!list.contains(&format!("{name}_south")), "nothing shows what is stored: {list}");
    assert_eq!(office.get(&USER, None, "/lines/$count").await.expect(200).text(), "3");
    assert_eq!(code(&office.get(&ADMIN, None, "/lines").await.expect(403)), "DatabaseLoginMissing");

    browser.get(&format!("{}/delete", office.page())).await.expect(200);
    let form = browser.form_with_button("database-login-delete");
    let list = browser.submit(form).await.expect(200).text().to_owned();
    assert!(list.contains("The login was deleted"), "{list}");
    assert_eq!(code(&office.get(&USER, None, "/lines").await.expect(403)), "DatabaseLoginMissing");

    let audit = office.server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200);
    for action in ["data_source.store_credentials", "data_source.delete_credentials"] {
        assert!(audit.text().contains(action), "{}", audit.text());
    }
    assert!(!audit.text().contains("south"), "{}", audit.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stores_a_login_for_somebody_else_on_the_pages() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&postgres_tables(&name));
    let payload = postgres::payload("office", &postgres::options(&database.url()));
    let office = Office::open(payload, "stored", &name, |sql| database.run(sql)).await;
    // With whom the data source is not shared.
    let mut stranger = office.server.browser_of(&OTHER, PAGE).await;
    assert!(!stranger.page().text().contains("office"), "{}", stranger.page().text());
    stranger.get(&office.page()).await.expect(404);
    for path in ["/account/logins/none", "/account/logins/99", "/account/logins/99/delete"] {
        stranger.get(path).await.expect(404);
    }
    // With a form that was rendered for another browser.
    let mut browser = office.server.browser_of(&USER, &office.page()).await;
    let form = browser.form_with_button("database-login-submit").fill("user", "a").fill("password", "b");
    let mut second = office.server.browser_of(&USER, PAGE).await;
    assert_eq!(second.submit(form).await.status(), 403);
    assert_eq!(code(&office.get(&USER, None, "/lines").await.expect(403)), "DatabaseLoginMissing");
    // A data source that is not shared with the user any more.
    let form = browser.form_with_button("database-login-submit").fill("user", "a").fill("password", "b");
    let path = format!("/api/mgmt/datasources/{}/sharedUsers", office.id);
    let nobody = json!({ "sharedUsers": [] });
    office.server.put(&path).basic(&ADMIN).json(&nobody).send().await.expect(200);
    browser.submit(form).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_says_when_a_stored_login_is_not_used() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&postgres_tables(&name));
    let options = postgres::options(&database.url());
    let office =
        Office::open(postgres::payload("office", &options), "stored", &name, |sql| database.run(sql)).await;
    let mut browser = office.server.browser_of(&USER, PAGE).await;
    office.store_on_page(&mut browser, ("south", "ps"), 200).await;
    let path = format!("/api/mgmt/datasources/{}", office.id);
    let mut moved = office.server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    moved["options"]["HostNameInCertificate"] = "db.example.com".into();
    moved["options"]["Password"] = options["Password"].clone();
    office.server.put(&path).basic(&ADMIN).json(&moved).send().await.expect(200);
    let list = browser.get(PAGE).await.expect(200).text().to_owned();
    assert!(list.contains("leads to another database") && !list.contains(">Stored<"), "{list}");

    moved["options"]["UserCredentials"] = "none".into();
    office.server.put(&path).basic(&ADMIN).json(&moved).send().await.expect(200);
    let list = browser.get(PAGE).await.expect(200).text().to_owned();
    assert!(list.contains("does not use what you have stored"), "{list}");
    browser.get(&office.page()).await.expect(404);
    browser.get(&format!("{}/delete", office.page())).await.expect(200);
    let form = browser.form_with_button("database-login-delete");
    let list = browser.submit(form).await.expect(200).text().to_owned();
    assert!(list.contains("None of your data sources needs one"), "{list}");
}

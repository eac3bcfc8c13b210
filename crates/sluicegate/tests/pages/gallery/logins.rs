//! The pages on which users store their logins of databases.

use testkit::postgres::PostgresServer;

use super::LONG;
use crate::browser::Browser;
use crate::stage::Stage;

/// Logins of databases: no data source that needs one, one that is stored with a fault and without, and its end.
pub(super) fn walk(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    browser.open(&stage.at("/account/logins"));
    see(browser, "no logins");
    let database = PostgresServer::shared().create_database();
    database.run("CREATE TABLE items (id integer PRIMARY KEY)");
    stage.add_data_source_with_logins(&"l".repeat(90), &database.url());
    stage.add_data_source_with_logins("payroll", &database.url());
    browser.open(&stage.at("/account/logins"));
    see(browser, "logins");
    browser.follow("a.button");
    see(browser, "new login");
    browser.fill("#database-user", LONG);
    browser.value("document.querySelector('#database-password').required = false");
    browser.follow("#database-login-submit");
    see(browser, "new login with a problem");
    browser.fill("#database-password", "of the sea");
    browser.follow("#database-login-submit");
    see(browser, "logins with one that is stored");
    browser.follow("a.danger");
    see(browser, "end of a login");
    browser.follow("#database-login-delete");
    see(browser, "logins after one was deleted");
}

//! Every page in turn, with names that are hard to lay out.

use serde_json::json;
use testkit::USER;

use crate::browser::{Browser, Scripts};
use crate::stage::{Site, Stage};

/// The longest name, without a place to break it.
pub(crate) const LONG: &str = "Hafenmeisterschiffsverkehrsanmeldungsbestätigungsversandprogrammverwaltungszugangsberechtigungsprüfungsdienstleistungsgesellscha";
/// A name from right to left, with emoji, and with neutral characters at its end that must not change sides.
const TURNED: &str = "جدول المد والجزر 🌊⚓ (2)";
/// A host that is almost as long as the domain name system allows.
pub(crate) const FAR: &str = "https://a-host-with-a-very-long-first-label-that-fills-all-it-may.and-another-label-of-nearly-the-same-length-that-goes-on.example.org/callback";
pub(crate) const SAYS: &str = "Shows when each berth is free, and warns before the water is too low for your draught. See https://tide-table.example.org/about/this/very/long/address/that/does/not/end for more.";

/// Opens every page of the server and calls `examine` with its name.
pub(crate) fn walk(stage: &Stage, mut see: impl FnMut(&mut Browser, &str)) {
    let (client, mut browser) = (Site::of_a_client(), Browser::new(Scripts::Run));
    let far = stage.application(LONG, SAYS, FAR);
    let near = stage.application("Tide table", "when to sail", &client.at("/callback"));
    let installed = stage.application("Tide app", "", "com.example.tide:/callback");
    let full = stage.application_with(&json!({"name": LONG, "description": SAYS, "redirectUrls": ["http://plain.example/cb"],
        "contacts": ["harbour.master.of.all.the.harbours@a-very-long-domain.example.org", "+49 30 1234"],
        "logoUrl": format!("https://{}.example/logo.png", "long-".repeat(12) + "x"), "clientType": "confidential"}));
    let turned = stage.application(TURNED, "من اليمين", &client.at("/turned"));

    browser.open(&stage.at("/"));
    see(&mut browser, "start");
    browser.open(&stage.at("/login"));
    see(&mut browser, "login");
    browser.open(&far);
    see(&mut browser, "login on the way to a long name");
    browser.sign_in(USER.name, "not the password");
    see(&mut browser, "login with a problem");
    browser.sign_in(USER.name, USER.password);
    see(&mut browser, "consent to a long name");
    browser.open(&stage.at("/account/applications"));
    see(&mut browser, "no applications");
    browser.open(&installed);
    see(&mut browser, "consent to an installed application");
    browser.open(&near);
    see(&mut browser, "consent");
    browser.follow("#consent-allow");
    for length in 40..48 {
        stage.add_data_source(&"x".repeat(length));
    }
    browser.open(&full);
    see(&mut browser, "consent with everything");
    browser.value("document.querySelectorAll('details').forEach(it => it.open = true)");
    see(&mut browser, "consent with everything unfolded");
    browser.open(&turned);
    see(&mut browser, "consent to a turned name");
    browser.follow("#consent-allow");
    browser.open(&stage.at("/account/applications"));
    see(&mut browser, "applications");
    browser.follow("a.danger");
    see(&mut browser, "revoke");
    browser.follow("#revoke-submit");
    see(&mut browser, "applications after revoking");
    browser.open(&stage.at("/"));
    see(&mut browser, "start for somebody");
    browser.open(&stage.at("/account"));
    see(&mut browser, "account");
    walk_requests(stage, &mut browser, &mut see);
    browser.open(&stage.at("/account/password"));
    see(&mut browser, "password");
    browser.fill("#current", "not the password");
    browser.fill("#new", "a longer rope holds better");
    browser.fill("#again", "a longer rope holds better");
    browser.follow("#password-submit");
    see(&mut browser, "password with a problem");
    browser.open(&stage.at("/oauth2/authorize?client_id=nobody"));
    see(&mut browser, "error");
    browser.open(&stage.at("/nowhere"));
    see(&mut browser, "not found");
    browser.open(&stage.at("/logout"));
    see(&mut browser, "logout");
    browser.follow("#logout-submit");
    see(&mut browser, "signed out");
    browser.open(&stage.at("/docs"));
    see(&mut browser, "reference");
    browser.value("document.querySelectorAll('details').forEach(it => it.open = true)");
    see(&mut browser, "reference unfolded");
}

/// The pages on which the user decides about requests of applications.
fn walk_requests(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    browser.open(&stage.at("/account/requests"));
    see(browser, "no requests");
    stage.ask_user(LONG, "Lieferscheinnummerüberprüfungsverfahrensbestätigung 123456789012");
    stage.ask_user(TURNED, "W4SCT");
    browser.open(&stage.at("/account"));
    see(browser, "account with requests");
    browser.open(&stage.at("/account/requests"));
    see(browser, "requests");
    browser.follow("li:first-child a.button");
    see(browser, "request of a long name");
    browser.follow("#consent-allow");
    see(browser, "request allowed");
    browser.open(&stage.at("/account/requests"));
    browser.follow("a.button");
    see(browser, "request of a turned name");
    browser.follow("#consent-deny");
    see(browser, "request denied");
}

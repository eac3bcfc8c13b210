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
    walk_devices(stage, &mut browser, &mut see);
    walk_form_post(stage, &mut browser, &mut see);
    browser.open(&stage.at("/account/profile"));
    see(&mut browser, "profile");
    browser.fill("#email", "not an address");
    browser.value("document.querySelector('#email').type = 'text'");
    browser.follow("#profile-submit");
    see(&mut browser, "profile with a problem");
    walk_many_data_sources(stage, &mut browser, &mut see, &client.at("/harbour"));
    walk_the_rest(stage, &mut browser, &mut see);
}

/// The pages that remain, until the user has signed out.
fn walk_the_rest(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    browser.open(&stage.at("/account/password"));
    see(browser, "password");
    browser.fill("#current", "not the password");
    browser.fill("#new", "a longer rope holds better");
    browser.fill("#again", "a longer rope holds better");
    browser.follow("#password-submit");
    see(browser, "password with a problem");
    browser.open(&stage.at("/oauth2/authorize?client_id=nobody"));
    see(browser, "error");
    browser.open(&stage.at("/nowhere"));
    see(browser, "not found");
    browser.open(&stage.at("/logout"));
    see(browser, "logout");
    browser.follow("#logout-submit");
    see(browser, "signed out");
    browser.open(&stage.at("/docs"));
    see(browser, "reference");
    browser.value("document.querySelectorAll('details').forEach(it => it.open = true)");
    see(browser, "reference unfolded");
}

/// The pages on which the user connects a device, and every way in which that fails.
fn walk_devices(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    let (long, turned) = (stage.device_of(LONG, SAYS), stage.device_of(TURNED, ""));
    browser.open(&stage.at("/device"));
    see(browser, "device");
    browser.fill("#user-code", "WDJB-MJHT");
    browser.follow("#device-continue");
    see(browser, "device with a wrong code");
    browser.open(&stage.at(&format!("/device?user_code={long}")));
    see(browser, "device with the code of a link");
    browser.follow("#device-continue");
    see(browser, "device of a long name");
    browser.value("document.querySelectorAll('[name=source]').forEach(it => it.checked = false)");
    browser.follow("#consent-allow");
    see(browser, "device with nothing ticked");
    browser.press("[name=source]");
    browser.follow("#consent-allow");
    see(browser, "device allowed");
    browser.open(&stage.at(&format!("/device?user_code={long}")));
    browser.follow("#device-continue");
    see(browser, "device that was decided about");
    browser.open(&stage.at(&format!("/device?user_code={turned}")));
    browser.follow("#device-continue");
    see(browser, "device of a turned name");
    browser.follow("#consent-deny");
    see(browser, "device denied");
}

/// The page that posts a response, in a browser that does not run its script.
fn walk_form_post(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    for (name, redirect, page) in [
        (LONG, FAR, "form post to a long name"),
        ("Tide table", "http://127.0.0.1:9/callback", "form post to an app on this device"),
    ] {
        browser.open(&format!("{}&response_mode=form_post", stage.application(name, "", redirect)));
        browser.run_scripts(Scripts::Off);
        browser.follow("#consent-allow");
        browser.run_scripts(Scripts::Run);
        see(browser, page);
    }
}

/// The consent page of a user with many data sources.
fn walk_many_data_sources(
    stage: &Stage,
    browser: &mut Browser,
    see: &mut impl FnMut(&mut Browser, &str),
    redirect: &str,
) {
    let ask = stage.application("Harbour reports", "", redirect);
    stage.add_data_sources_up_to(40);
    browser.open(&ask);
    see(browser, "consent with 40 data sources");
    stage.add_data_sources_up_to(130);
    browser.open(&ask);
    see(browser, "consent with 130 data sources");
    browser.press("#data-choice [name=source]");
    browser.follow("#next-sources");
    see(browser, "consent with the next data sources");
    browser.fill("#find", "pier 12");
    browser.until_loaded(|browser| browser.key("Enter"));
    browser.until_there_is("#found:focus");
    let top = browser.value("document.querySelector('#found').getBoundingClientRect().top");
    assert!((0.0..800.0).contains(&top.as_f64().unwrap()), "what was found is in view: {top}");
    see(browser, "consent with data sources that were found");
    browser.press("[name=all]");
    browser.follow("#consent-allow");
    browser.open(&stage.at("/account/applications"));
    see(browser, "applications with many data sources");
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

//! The journeys of people through the pages, each with and without scripts.

use testkit::USER;

use crate::browser::{Browser, Scripts};
use crate::stage::{Page, Site, Stage, parameter};

const NEW_PASSWORD: &str = "a longer rope holds better";

fn sign_in(browser: &mut Browser) {
    browser.sign_in(USER.name, USER.password);
}

fn allow_an_application(scripts: Scripts) {
    let (stage, client, mut browser) = (Stage::new(), Site::of_a_client(), Browser::new(scripts));
    let callback = client.at("/callback");
    let ask = stage.application("Tide table", "when to sail", &callback);

    browser.open(&ask);
    assert!(browser.text().contains("Tide table"), "{}", browser.text());
    browser.sign_in(USER.name, "not the password");
    assert!(browser.text_of("document.querySelector('#login-problem').innerText").contains("password"));
    assert_eq!(browser.text_of("document.querySelector('#username').value"), USER.name);
    sign_in(&mut browser);
    let consent = browser.text();
    for part in
        ["Tide table", "when to sail", USER.name, "an app on this device", client.at("").as_str(), "shop"]
    {
        assert!(consent.contains(part), "{part} is missing in: {consent}");
    }
    browser.follow("#consent-allow");
    let back = browser.address();
    assert!(back.starts_with(&callback), "{back}");
    assert!(parameter(&back, "code").is_some_and(|code| !code.is_empty()), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("high tide"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some(stage.server.url()));

    browser.open(&ask);
    assert!(browser.address().starts_with(&callback), "what was allowed is not asked again");
    browser.open(&stage.at("/logout"));
    browser.follow("#logout-submit");
    assert!(browser.text().contains("You are signed out"), "{}", browser.text());
    browser.open(&ask);
    sign_in(&mut browser);
    assert!(browser.address().starts_with(&callback), "the sign-in's form may lead back to the application");

    browser.open(&format!("{ask}&prompt=consent"));
    browser.follow("#consent-deny");
    assert_eq!(parameter(&browser.address(), "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&browser.address(), "state").as_deref(), Some("high tide"));
    assert_eq!(browser.violations(), [] as [String; 0]);
}

#[test]
fn a_person_allows_an_application_only_once() {
    allow_an_application(Scripts::Run);
}

#[test]
fn a_user_allows_an_application_without_scripts() {
    allow_an_application(Scripts::Off);
}

fn connect_a_device(scripts: Scripts) {
    let (stage, mut browser) = (Stage::new(), Browser::new(scripts));
    let (allowed, denied) = (stage.device_of("Wheelhouse display", ""), stage.device_of("Somebody", ""));
    browser.open(&stage.at("/device"));
    assert!(browser.has("#login-device"), "{}", browser.text());
    sign_in(&mut browser);
    browser.fill("#user-code", "WDJB-MJHT");
    browser.follow("#device-continue");
    assert!(browser.has("#device-problem"), "{}", browser.text());
    browser.fill("#user-code", &allowed.to_lowercase());
    browser.follow("#device-continue");
    assert!(browser.text().contains(&allowed) && browser.text().contains("Wheelhouse display"));
    browser.follow("#consent-allow");
    assert!(browser.has("#device-allowed"), "{}", browser.text());
    browser.open(&stage.at(&format!("/device?user_code={denied}")));
    browser.follow("#device-continue");
    browser.follow("#consent-deny");
    assert!(browser.has("#device-denied"), "{}", browser.text());
    assert_eq!(browser.violations(), [] as [String; 0]);
}

#[test]
fn a_user_connects_a_device() {
    connect_a_device(Scripts::Run);
}

#[test]
fn a_user_connects_a_device_without_scripts() {
    connect_a_device(Scripts::Off);
}

/// The answer travels in a form: by itself with scripts, otherwise by a button that names the receiver.
#[test]
fn a_user_without_scripts_sends_the_answer_to_the_application_that_the_page_names() {
    let (stage, client, mut browser) = (Stage::new(), Site::of_a_client(), Browser::new(Scripts::Off));
    let callback = client.at("/callback");
    browser.open(&format!("{}&response_mode=form_post", stage.application("Tide table", "", &callback)));
    sign_in(&mut browser);
    browser.follow("#consent-allow");
    let shown = browser.text();
    for part in ["Return to Tide table", client.at("").as_str(), "an app on this device"] {
        assert!(shown.contains(part), "{part} is missing in: {shown}");
    }
    browser.follow("#form-post-submit");
    assert_eq!(browser.address(), callback);
    assert_eq!(browser.violations(), [] as [String; 0]);
}

fn manage_an_account(scripts: Scripts) {
    let (stage, client, mut browser) = (Stage::new(), Site::of_a_client(), Browser::new(scripts));
    let ask = stage.application("Tide table", "", &client.at("/callback"));
    browser.open(&ask);
    sign_in(&mut browser);
    browser.follow("#consent-allow");

    browser.open(&stage.at("/account"));
    assert!(browser.text().contains(USER.name), "{}", browser.text());
    browser.follow("nav a[href='/account/applications']");
    assert!(browser.text().contains("Tide table"), "{}", browser.text());
    browser.follow("a.danger");
    assert!(browser.text().contains("Revoke the access of"), "{}", browser.text());
    browser.follow("#revoke-submit");
    assert!(browser.text().contains("The access of Tide table was revoked."), "{}", browser.text());
    assert!(browser.text().contains("No application has access"), "{}", browser.text());
    browser.open(&ask);
    assert!(browser.has("#consent-allow"), "after revoking, the person is asked again");

    browser.open(&stage.at("/account/password"));
    browser.fill("#current", USER.password);
    browser.fill("#new", NEW_PASSWORD);
    browser.fill("#again", "another");
    browser.press("#password-submit");
    assert!(browser.value("document.querySelector('#again').validity.tooShort") == true, "the browser helps");
    browser.fill("#again", "another one than that");
    browser.follow("#password-submit");
    assert!(browser.text_of("document.querySelector('#password-problem').innerText").contains("differ"));
    browser.fill("#current", USER.password);
    browser.fill("#new", NEW_PASSWORD);
    browser.fill("#again", NEW_PASSWORD);
    browser.follow("#password-submit");
    assert!(browser.text().contains("Your password was changed."), "{}", browser.text());

    browser.follow("#logout-submit");
    assert!(browser.text().contains("You are signed out"), "{}", browser.text());
    browser.open(&stage.at("/account"));
    browser.sign_in(USER.name, USER.password);
    assert!(browser.has("#login-problem"), "the old password opens nothing");
    browser.sign_in(USER.name, NEW_PASSWORD);
    assert_eq!(browser.address(), stage.at("/account"));
}

#[test]
fn a_user_revokes_an_application_and_changes_the_password() {
    manage_an_account(Scripts::Run);
}

#[test]
fn a_user_revokes_an_application_and_changes_the_password_without_scripts() {
    manage_an_account(Scripts::Off);
}

#[test]
fn the_browser_may_return_to_an_installed_application() {
    let installed = "com.example.tide:/callback";
    let form = "<!DOCTYPE html><form method=post action=/go><button>Go</button></form>";
    let strict = Site::serve(move |path| match path {
        "/go" => Page::onward(installed),
        _ => Page::shown("Content-Security-Policy: form-action 'self'\r\n", form),
    });
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let ask = stage.application("Tide app", "", installed);
    browser.open(&ask);
    sign_in(&mut browser);
    let back = browser.until_requested(installed, |browser| browser.press("#consent-allow"));
    assert!(parameter(&back, "code").is_some(), "{back}");
    assert_eq!(browser.violations(), [] as [String; 0]);
    // The same without the exception of our policy: the browser would have reported a violation.
    browser.open(&strict.at("/"));
    browser.until_notified("form-action", |browser| browser.press("button"));
}

//! The pages with only a keyboard.

use testkit::USER;

use crate::browser::{Browser, Scripts};
use crate::stage::{Site, Stage};

/// The focused element, and how its outline is drawn.
const FOCUSED: &str = "(() => { const it = document.activeElement, style = getComputedStyle(it); \
    return [it.id || it.innerText || it.tagName, style.outlineStyle + ' ' + style.outlineWidth]; })()";

/// Waits for the first focus of a page, which the browser sets some time after loading; keys that are pressed
/// earlier go nowhere.
fn await_focus(browser: &mut Browser, id: &str) {
    let focused = (0..10_000).any(|_| browser.value(FOCUSED)[0] == id);
    assert!(focused, "{id} does not have the focus from the start");
}

/// Walks through the page with the tab key; every stop must be visible.
fn stops(browser: &mut Browser, count: usize) -> Vec<String> {
    browser.value("(() => { const top = document.body; top.tabIndex = -1; top.focus(); top.removeAttribute('tabindex'); })()");
    let mut stops = Vec::new();
    for _ in 0..count {
        browser.key("Tab");
        let focused = browser.value(FOCUSED);
        assert_eq!(focused[1], "solid 3px", "{} shows no focus", focused[0]);
        stops.push(focused[0].as_str().unwrap().to_owned());
    }
    stops
}

#[test]
fn the_consent_flow_works_with_the_keyboard() {
    let (stage, client, mut browser) = (Stage::new(), Site::of_a_client(), Browser::new(Scripts::Off));
    let ask = stage.application("Tide table", "", &client.at("/callback"));
    browser.open(&ask);
    await_focus(&mut browser, "username");
    assert_eq!(stops(&mut browser, 3), ["username", "password", "login-submit"]);
    browser.open(&ask);
    await_focus(&mut browser, "username");
    browser.type_text(USER.name);
    browser.key("Tab");
    browser.type_text(USER.password);
    browser.until_loaded(|browser| browser.key("Enter"));
    // The link to another account comes first, then the boxes for the data source of the user and for later ones, and
    // the link to the connected applications.
    let order = stops(&mut browser, 6);
    assert_eq!(order[..3], ["switch-user", "INPUT", "INPUT"], "{order:?}");
    assert_eq!(order[4..], ["consent-deny", "consent-allow"], "{order:?}");
    stops(&mut browser, 5);
    browser.until_loaded(|browser| browser.key("Space"));
    assert!(browser.address().contains("error=access_denied"), "{}", browser.address());
}

#[test]
fn the_account_pages_work_with_the_keyboard() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Off));
    browser.open(&stage.at("/account/password"));
    browser.sign_in(USER.name, USER.password);
    let order = stops(&mut browser, 12);
    let expected = [
        "Sluicegate",
        "logout-submit",
        "Account",
        "Details",
        "Applications",
        "Requests",
        "Tokens",
        "Security",
        "current",
        "new",
        "again",
        "password-submit",
    ];
    assert_eq!(order, expected);
}

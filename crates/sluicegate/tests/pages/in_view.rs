//! What a person must see before pressing Allow is in view, and what has the focus is never behind the buttons.

use testkit::USER;

use crate::browser::{Browser, Scripts, VIEWS};
use crate::gallery::{FAR, LONG, SAYS};
use crate::stage::Stage;

/// How far the bottom of an element is below the top of the bar with the buttons, in pixels; negative if it is above.
fn below_the_bar(browser: &mut Browser, element: &str) -> f64 {
    let found = browser.value(&format!(
        "({element}).getBoundingClientRect().bottom - document.querySelector('.always-in-view').getBoundingClientRect().top"
    ));
    found.as_f64().unwrap()
}

fn assert_in_view(browser: &mut Browser, ids: &[&str]) {
    for view in VIEWS {
        browser.view(view);
        browser.value("window.scrollTo(0, 0)");
        for id in ids {
            let below = below_the_bar(browser, &format!("document.getElementById({id:?})"));
            assert!(below <= 0.5, "{id} is {below} pixels too low at {} x {}", view.width, view.height);
        }
    }
}

#[test]
fn a_long_name_leaves_the_destination_and_the_warnings_in_view() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Off));
    browser.open(&stage.application(LONG, SAYS, FAR));
    browser.sign_in(USER.name, USER.password);
    assert_in_view(&mut browser, &["destination", "not-verified"]);
    assert_eq!(browser.text_of("document.getElementById('full-name').innerText"), LONG);
    browser.open(&stage.application(LONG, SAYS, "http://plain.example/cb"));
    assert_in_view(&mut browser, &["destination", "caution", "not-verified"]);
    stage.ask_user(LONG, "Lieferscheinnummerüberprüfungsverfahrensbestätigung 123456789012");
    browser.open(&stage.at("/account/requests"));
    browser.follow("li:first-child a.button");
    assert_in_view(&mut browser, &["request-warning"]);
}

/// Deny and Allow are both in view, side by side in this order, and large enough for a finger.
fn assert_buttons_in_view(browser: &mut Browser) {
    for view in VIEWS {
        browser.view(view);
        for place in ["0", "document.body.scrollHeight / 2", "document.body.scrollHeight"] {
            browser.value(&format!("window.scrollTo(0, {place})"));
            let found = browser.value(
                "['#consent-deny', '#consent-allow'].map(id => document.querySelector(id).getBoundingClientRect()) \
                 .map(box => [box.left, box.right, box.top, box.bottom, box.height])",
            );
            let of = |button: usize, what: usize| found[button][what].as_f64().unwrap();
            assert!(of(0, 1) <= of(1, 0), "Deny is left of Allow at {}: {found}", view.width);
            for button in [0, 1] {
                let is_inside = of(button, 0) >= 0.0
                    && of(button, 1) <= view.width.into()
                    && of(button, 2) >= 0.0
                    && of(button, 3) <= view.height.into();
                assert!(is_inside && of(button, 4) >= 44.0, "{place} at {}: {found}", view.width);
            }
        }
    }
}

#[test]
fn thirty_data_sources_leave_the_destination_the_warning_and_the_buttons_in_view() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Off));
    stage.add_data_sources_up_to(30);
    browser.open(&stage.application(LONG, SAYS, "http://127.0.0.1:9/callback"));
    browser.sign_in(USER.name, USER.password);
    assert!(browser.has("#data-choice [name=source][value]") && browser.text().contains("pier29"));
    assert_in_view(&mut browser, &["destination", "caution"]);
    assert_buttons_in_view(&mut browser);
}

#[test]
fn the_buttons_of_devices_and_requests_are_in_view() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Off));
    stage.add_data_sources_up_to(30);
    browser.open(&stage.at(&format!("/device?user_code={}", stage.device_of(LONG, SAYS))));
    browser.sign_in(USER.name, USER.password);
    browser.follow("#device-continue");
    assert_in_view(&mut browser, &["device-warning"]);
    assert_buttons_in_view(&mut browser);
    stage.ask_user(LONG, "Lieferscheinnummerüberprüfungsverfahrensbestätigung 123456789012");
    browser.open(&stage.at("/account/requests"));
    browser.follow("li:first-child a.button");
    assert_buttons_in_view(&mut browser);
}

#[test]
fn what_has_the_focus_is_never_behind_the_buttons() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Off));
    for length in 10..40 {
        stage.add_data_source(&"x".repeat(length));
    }
    let ask = stage.application("Tide table", "", "https://client.example/cb");
    browser.open(&ask);
    browser.sign_in(USER.name, USER.password);
    for view in VIEWS {
        browser.view(view);
        browser.value("window.scrollTo(0, 0)");
        browser.value("(() => { const top = document.body; top.tabIndex = -1; top.focus(); top.removeAttribute('tabindex'); })()");
        for stop in 0..33 {
            browser.key("Tab");
            let below = below_the_bar(&mut browser, "document.activeElement");
            assert!(below <= 0.5, "stop {stop} is {below} pixels behind the bar at {}", view.width);
        }
    }
}

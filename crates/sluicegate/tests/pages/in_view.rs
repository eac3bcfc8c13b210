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

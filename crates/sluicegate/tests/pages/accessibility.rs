//! Every page is accessible: axe finds nothing, nothing is cut off, nothing is loaded from other sites.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testkit::USER;

use crate::browser::{Browser, Scripts, VIEWS, View};
use crate::chromium::installed;
use crate::gallery::{self, Unseen};
use crate::stage::Stage;

/// The findings of axe, as `rule: message for the element`.
const FINDINGS: &str = "axe.run({resultTypes: ['violations']}).then(found => found.violations.flatMap(rule => \
    rule.nodes.map(node => rule.id + ': ' + node.failureSummary + ' ' + node.html)))";

/// The elements that reach beyond the right edge of a window of this width; a phone would make the page wider
/// and smaller instead. Text that does not wrap reaches beyond its box.
fn beyond_the_edge(width: u32) -> String {
    format!(
        "[...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > {width} + 0.5 || \
         (it.scrollWidth > it.clientWidth + 1 && it.clientWidth > 0 && getComputedStyle(it).overflowX === 'visible')) \
         .map(it => it.outerHTML.slice(0, 120))"
    )
}

fn lines(found: &Value) -> Vec<String> {
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// The folder for screenshots, if they are wanted: `PAGES_PICTURES=folder cargo xtask test -p sluicegate
/// --test pages`.
#[expect(clippy::disallowed_methods, reason = "asked of whoever runs the test, not of the server")]
fn pictures() -> Option<std::path::PathBuf> {
    std::env::var_os("PAGES_PICTURES").map(Into::into)
}

/// Draws the whole page in as many pictures as it needs, and what is in view at first if some of it stays in view.
fn draw(browser: &mut Browser, folder: &Path, name: &str, view: View) {
    let write = |part: &str, picture: String| {
        let file = format!("{name} {} {}{part}.png", view.width, view.scheme).replace(' ', "-");
        std::fs::write(folder.join(file), STANDARD.decode(picture).unwrap()).unwrap();
    };
    for (number, picture) in browser.pictures().into_iter().enumerate() {
        write(&if number == 0 { String::new() } else { format!(" part {}", number + 1) }, picture);
    }
    if browser.has(".always-in-view") {
        browser.value("window.scrollTo(0, 0)");
        write(" at first", browser.picture());
    }
}

/// The problems of the current page, on every screen.
pub(crate) fn examine_page(browser: &mut Browser, name: &str) -> Vec<String> {
    let axe = std::fs::read_to_string(installed("CLIENTS_NODE_MODULES").join("axe-core/axe.min.js")).unwrap();
    browser.value(&format!("{axe}; null"));
    let mut faults = Vec::new();
    for view in VIEWS {
        browser.view(view);
        if let Some(folder) = pictures() {
            draw(browser, &folder, name, view);
        }
        let found = [browser.value(FINDINGS), browser.value(&beyond_the_edge(view.width))];
        let found = found.iter().flat_map(lines);
        faults.extend(found.map(|fault| format!("{name}, {} {}: {fault}", view.width, view.scheme)));
    }
    faults
}

#[test]
fn every_page_is_accessible_on_every_screen() {
    let (mut faults, mut unseen) = (Vec::new(), Unseen::every_page());
    gallery::walk(&Stage::new(), |browser, name| {
        unseen.note(browser);
        faults.extend(examine_page(browser, name));
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Only a server of the demo has this page; the test of the demo examines it.
    assert_eq!(unseen.templates(), ["demo.html"], "the gallery shows every page that has an id of its own");
}

#[test]
fn a_user_who_guesses_codes_of_devices_is_told_when_to_try_again() {
    let (stage, mut browser) = (Stage::with_limits(), Browser::new(Scripts::Run));
    browser.open(&stage.at("/device"));
    browser.sign_in(USER.name, USER.password);
    let is_stopped = (0..100).any(|_| {
        browser.fill("#user-code", "WDJB-MJHT");
        browser.follow("#device-continue");
        browser.text().contains("Too many wrong codes; try again in")
    });
    assert!(is_stopped, "codes can be guessed for ever");
    let faults = examine_page(&mut browser, "device after too many wrong codes");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_page_loads_external_resources() {
    assert_stays_at(&Stage::new());
}

#[test]
fn no_page_leaves_the_path_of_the_public_url() {
    assert_stays_at(&Stage::below_a_path());
}

/// Every page requests only addresses below the URL of the server, and gets what it requests.
fn assert_stays_at(stage: &Stage) {
    let (mut requested, mut failed) = (Vec::new(), Vec::new());
    gallery::walk(stage, |browser, _| (requested, failed) = (browser.requested(), browser.failed_to_load()));
    assert!(requested.len() > 20, "{requested:?}");
    let below = format!("{}/", stage.server.url());
    let elsewhere = requested.iter().filter(|address| !address.starts_with(&below));
    // The person returns to the application, which is what they came for.
    let elsewhere: Vec<_> =
        elsewhere.filter(|address| !address.contains("?code=") && *address != "data:,").collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    assert!(failed.is_empty(), "{failed:?}");
    assert!(requested.contains(&stage.at("/assets/style.css")));
}

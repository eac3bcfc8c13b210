//! The demo's last link, as a new user follows it.

use std::process::{Command, Stdio};

use testkit::{Served, Wire};

use crate::accessibility::examine_page;
use crate::browser::{Browser, Scripts};
use crate::stage::parameter;

/// The word that the demo printed after a label.
fn after<'a>(message: &'a str, label: &str) -> &'a str {
    let rest = message.split(label).nth(1).unwrap_or_else(|| panic!("{label} is missing in {message}"));
    rest.split_whitespace().next().unwrap()
}

#[test]
fn the_last_link_of_the_demo_leads_to_a_code_and_the_next_command() {
    let (folder, mut browser) = (tempfile::tempdir().unwrap(), Browser::new(Scripts::Run));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    command
        .env_clear()
        .current_dir(folder.path())
        .args(["demo", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null());
    let served = Served::start(command);
    while !served.printed().contains("clientSecret  ") {
        std::thread::yield_now();
    }
    let message = served.printed();
    browser.open(after(&message, "allow it again  "));
    browser.sign_in("d2cuser", after(&message, "d2cuser  "));
    browser.follow("#consent-allow");
    let code = parameter(&browser.address(), "code").unwrap();
    assert_eq!(browser.text_of("document.querySelector('#demo-code').innerText"), code);
    let next = browser.text_of("document.querySelector('#demo-exchange').innerText");
    for part in [after(&message, "clientId  "), served.url(), code.as_str(), "/demo/callback"] {
        assert!(next.contains(part), "{part} is missing in {next}");
    }
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &format!("{}/demo/callback", served.url())),
        ("client_id", after(&message, "clientId  ")),
        ("client_secret", after(&message, "clientSecret  ")),
    ];
    let tokens = Wire::new(served.url()).post_form("/oauth2/token", &fields).unwrap();
    assert!(tokens.json()["access_token"].is_string(), "{tokens:?}");
    let mut faults = examine_page(&mut browser, "demo");
    browser.open(after(&message, "allow it again  "));
    assert!(browser.address().contains("code="), "what was allowed is not asked again");
    browser.open(&format!("{}&prompt=consent", after(&message, "allow it again  ")));
    browser.follow("#consent-deny");
    assert!(browser.text().contains("access_denied"), "{}", browser.text());
    faults.extend(examine_page(&mut browser, "demo after a refusal"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

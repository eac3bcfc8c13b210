//! Our pages as a part of another site's flow: in a window that the site opened, and with a next step that
//! only the site knows.

use testkit::USER;
use url::form_urlencoded::byte_serialize;

use crate::browser::{Browser, Scripts};
use crate::stage::{Page, Site, Stage, parameter};

/// A client that redirects the browser from its redirect URL to `next`, with the query that it received.
fn client_that_sends_on_to(next: &str) -> Site {
    let next = next.to_owned();
    Site::serve(move |path| {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        Page::onward(&format!("{next}?{query}"))
    })
}

fn continues_after_allow_deny_and_sign_in(scripts: Scripts) {
    let (stage, other, mut browser) = (Stage::new(), Site::of_a_client(), Browser::new(scripts));
    let landing = other.at("/landing");
    let client = client_that_sends_on_to(&landing);
    let ask = stage.application("Tide table", "", &client.at("/callback"));

    browser.open(&ask);
    browser.sign_in(USER.name, USER.password);
    browser.follow("#consent-deny");
    assert_eq!(parameter(&browser.address(), "error").as_deref(), Some("access_denied"));
    assert!(browser.address().starts_with(&landing), "Deny: {}", browser.address());

    browser.open(&ask);
    browser.follow("#consent-allow");
    assert!(browser.address().starts_with(&landing), "Allow: {}", browser.address());
    assert!(parameter(&browser.address(), "code").is_some());

    browser.open(&stage.at("/logout"));
    browser.follow("#logout-submit");
    browser.open(&ask);
    browser.sign_in(USER.name, "not the password");
    browser.sign_in(USER.name, USER.password);
    assert!(browser.address().starts_with(&landing), "sign-in: {}", browser.address());
    assert_eq!(browser.violations(), [] as [String; 0]);
}

#[test]
fn a_client_may_redirect_further_after_allow_deny_and_sign_in() {
    continues_after_allow_deny_and_sign_in(Scripts::Run);
}

#[test]
fn a_client_may_redirect_further_without_scripts() {
    continues_after_allow_deny_and_sign_in(Scripts::Off);
}

#[test]
fn a_client_may_redirect_further_to_an_installed_application() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let installed = "com.example.tide:/done";
    let client = client_that_sends_on_to(installed);
    browser.open(&stage.application("Tide table", "", &client.at("/callback")));
    browser.sign_in(USER.name, USER.password);
    let request = browser.until_requested(installed, |browser| browser.press("#consent-allow"));
    assert!(parameter(&request, "code").is_some(), "{request}");
    assert_eq!(browser.violations(), [] as [String; 0]);
}

/// A page that opens an address in a new window, and shows the message of that window.
const OPENER: &str = "<!DOCTYPE html><button onclick=\"window.open(new URLSearchParams(location.search).get('ask'))\">Connect</button>\
    <script>addEventListener('message', message => { document.body.dataset.message = message.data; })</script>";
/// The redirect URL of such a client.
const TELLS: &str =
    "<!DOCTYPE html><p>Back.<script>if (opener) opener.postMessage(location.href, '*')</script>";

fn client_with_a_popup() -> Site {
    Site::serve(|path| Page::shown("", if path.starts_with("/callback") { TELLS } else { OPENER }))
}

fn opening(client: &Site, address: &str) -> String {
    client.at(&format!("/?ask={}", byte_serialize(address.as_bytes()).collect::<String>()))
}

#[test]
fn a_window_opened_by_a_client_keeps_its_opener_through_sign_in_error_and_consent() {
    let (stage, client, mut browser) = (Stage::new(), client_with_a_popup(), Browser::new(Scripts::Run));
    let ask = stage.application("Tide table", "", &client.at("/callback"));
    browser.open(&opening(&client, &ask));
    let opener = browser.go_on_in_new_window(|browser| browser.press("button"));
    browser.until_there_is("#username");
    browser.sign_in(USER.name, "not the password");
    browser.sign_in(USER.name, USER.password);
    browser.open(&stage.at("/oauth2/authorize?client_id=nobody"));
    assert!(browser.has("#error-title"));
    browser.open(&ask);
    browser.follow("#consent-allow");
    browser.back_to_window(opener);
    browser.until_there_is("[data-message]");
    let message = browser.text_of("document.body.dataset.message");
    assert!(message.starts_with(&client.at("/callback")), "{message}");
    assert!(parameter(&message, "code").is_some(), "{message}");
}

#[test]
fn our_own_pages_have_no_access_to_their_opener() {
    let (stage, client, mut browser) = (Stage::new(), client_with_a_popup(), Browser::new(Scripts::Run));
    browser.open(&opening(&client, &stage.at("/docs")));
    browser.go_on_in_new_window(|browser| browser.press("button"));
    browser.until_there_is("summary");
    assert_eq!(browser.value("opener === null"), true);
}

#[test]
fn a_site_cannot_sign_its_visitors_in_or_out() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let credentials =
        format!("//{}:{}@", USER.name, byte_serialize(USER.password.as_bytes()).collect::<String>());
    let led =
        stage.application("Tide table", "", "https://client.example/cb").replacen("//", &credentials, 1);
    let logout = stage.at("/logout");
    let evil = Site::serve(move |path| match path {
        "/basic" => {
            Page::shown("", &format!("<!DOCTYPE html><a href='{}'>A prize</a>", led.replace('&', "&amp;")))
        }
        _ => Page::shown(
            "",
            &format!("<!DOCTYPE html><form method=post action='{logout}'><button>A prize</button></form>"),
        ),
    });
    browser.open(&evil.at("/basic"));
    browser.follow("a");
    assert!(browser.has("#login-submit"), "nobody was signed in: {}", browser.text());

    browser.open(&stage.at("/account"));
    browser.sign_in(USER.name, USER.password);
    browser.open(&evil.at("/logout"));
    browser.follow("button");
    assert!(browser.has("#error-title"), "{}", browser.text());
    browser.open(&stage.at("/account"));
    assert!(browser.text().contains("Your account"), "the session lives on: {}", browser.text());
}

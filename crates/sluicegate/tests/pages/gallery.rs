//! Every page in turn, with names that are hard to lay out.

mod logins;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::Timestamp;
use serde_json::json;
use testkit::{USER, totp};

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
    browser.open(&stage.at("/account/sessions"));
    see(&mut browser, "sessions");
    browser.open(&stage.at("/account/activity"));
    see(&mut browser, "activity");
    walk_tokens(stage, &mut browser, &mut see);
    logins::walk(stage, &mut browser, &mut see);
    walk_second_factor(stage, &mut browser, &mut see);
    walk_changes(stage, &mut browser, &mut see, &client.at("/desk"));
    walk_many_data_sources(stage, &mut browser, &mut see, &client.at("/harbour"));
    walk_the_rest(stage, &mut browser, &mut see);
    walk_links(stage, &mut browser, &mut see);
    walk_strangers(stage, &mut browser, &mut see);
}

/// The page of a one-time link, until the password is set. Nobody is signed in before and after.
fn walk_links(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    let invitation = stage.invite(LONG);
    browser.open(&invitation);
    see(browser, "invitation");
    browser.fill("#new", "a longer rope holds better");
    browser.fill("#again", "a longer rope holds worse");
    browser.follow("#reset-submit");
    see(browser, "invitation with a problem");
    browser.fill("#new", "a longer rope holds better");
    browser.fill("#again", "a longer rope holds better");
    browser.follow("#reset-submit");
    see(browser, "login after a new password");
    browser.open(&invitation);
    see(browser, "link that is over");
    browser.open(&stage.link_of(LONG));
    see(browser, "link for a new password");
    browser.open(&stage.at("/login"));
    browser.follow("#login-forgot");
    see(browser, "forgotten password");
    browser.fill("#username", " ");
    browser.follow("#forgot-submit");
    see(browser, "forgotten password with a problem");
    browser.fill("#username", LONG);
    browser.follow("#forgot-submit");
    see(browser, "asked for a link");
}

/// Personal access tokens: none, one that is made with faults and without, and its end.
fn walk_tokens(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    browser.open(&stage.at("/account/tokens"));
    see(browser, "no tokens");
    browser.follow("#new-token");
    see(browser, "new token");
    browser.fill("#token-name", LONG);
    browser.follow("#token-submit");
    see(browser, "new token with a problem");
    browser.fill("#token-name", TURNED);
    browser.follow("#token-submit");
    see(browser, "token");
    browser.follow("#token-done");
    see(browser, "tokens");
    browser.follow("a.danger");
    see(browser, "end of a token");
    browser.follow("#token-end-submit");
    see(browser, "tokens after one has ended");
}

/// A second factor: set up with a fault and without, asked for, and removed.
fn walk_second_factor(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    #[expect(clippy::disallowed_methods, reason = "the binary reads the clock of the machine")]
    let code = |secret: &str, steps: u64| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 30 * steps;
        totp(secret, Timestamp::from_secs(i64::try_from(now).expect("a time of this century")))
    };
    browser.open(&stage.at("/account/security"));
    see(browser, "security");
    browser.follow("#new-second-factor");
    see(browser, "new second factor");
    browser.fill("#password", USER.password);
    browser.follow("#second-factor-begin");
    see(browser, "secret of a second factor");
    browser.fill("#code", "000");
    browser.follow("#second-factor-confirm");
    see(browser, "secret of a second factor with a problem");
    let secret = browser.value("document.querySelector('#totp-secret').textContent");
    let secret = secret.as_str().expect("a secret").to_owned();
    browser.fill("#code", &code(&secret, 0));
    browser.follow("#second-factor-confirm");
    see(browser, "recovery codes");
    let recovery = browser.value("document.querySelector('#recovery-codes code').textContent");
    browser.follow("#recovery-done");
    see(browser, "security with a second factor");
    browser.follow("#logout-submit");
    browser.open(&stage.at("/login"));
    browser.sign_in(USER.name, USER.password);
    see(browser, "second page of a sign-in");
    browser.fill("#code", "000");
    browser.follow("#factor-submit");
    see(browser, "second page of a sign-in with a problem");
    browser.fill("#code", recovery.as_str().expect("a code"));
    browser.follow("#factor-submit");
    browser.open(&stage.at("/account/security/recovery"));
    see(browser, "new recovery codes");
    browser.open(&stage.at("/account/security/remove"));
    see(browser, "removing a second factor");
    browser.fill("#password", USER.password);
    browser.fill("#code", &code(&secret, 1));
    browser.follow("#proof-submit");
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

/// The ids of the elements of a page.
const IDS: &str = "[...document.querySelectorAll('[id]')].map(it => it.id)";

/// The templates of pages that were not seen yet. A page is recognized by an id that no other template contains.
pub(crate) struct Unseen {
    templates: BTreeMap<String, BTreeSet<String>>,
}

impl Unseen {
    /// Every template of a page.
    pub(crate) fn every_page() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/templates");
        let texts: BTreeMap<String, String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
            .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
            .collect();
        let ids = |text: &str| -> BTreeSet<String> {
            let written = text.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
            written.filter(|id| !id.contains('{')).map(str::to_owned).collect()
        };
        let is_layout = |name: &str| texts.values().any(|text| text.contains(&format!("extends \"{name}\"")));
        let pages = texts.iter().filter(|(name, text)| text.contains("{% extends") && !is_layout(name));
        let own = |name: &str, text: &str| {
            let others = texts.iter().filter(|(other, _)| *other != name).flat_map(|(_, text)| ids(text));
            let others: BTreeSet<String> = others.collect();
            ids(text).difference(&others).cloned().collect()
        };
        Self { templates: pages.map(|(name, text)| (name.clone(), own(name, text))).collect() }
    }

    /// Notes the current page.
    pub(crate) fn note(&mut self, browser: &mut Browser) {
        let found: BTreeSet<String> = serde_json::from_value(browser.value(IDS)).unwrap();
        self.templates.retain(|_, own| own.is_disjoint(&found));
    }

    /// What is left: templates that were not seen, or cannot be recognized.
    pub(crate) fn templates(&self) -> Vec<&str> {
        self.templates.keys().map(String::as_str).collect()
    }
}

/// The pages before a browser goes to an application that registered itself: with an error, and after a logout. Nobody is
/// signed in before and after.
fn walk_strangers(stage: &Stage, browser: &mut Browser, see: &mut impl FnMut(&mut Browser, &str)) {
    const NEAR: &str = "http://127.0.0.1:9/callback";
    let stranger = stage.stranger(LONG, &[FAR, NEAR]);
    let failing = |redirect: &str, mode: &str| {
        let client = [("response_type", "code"), ("client_id", &stranger), ("redirect_uri", redirect)];
        let request = [("response_mode", mode), ("scope", "none-such")];
        stage.with_query("/oauth2/authorize", &[&client[..], &request].concat())
    };
    browser.open(&failing(FAR, "query"));
    see(browser, "login on the way to an error");
    browser.sign_in(USER.name, USER.password);
    see(browser, "error for an application that nobody checked");
    browser.open(&failing(NEAR, "form_post"));
    see(browser, "error for an app on this device that nobody checked");

    let parameters = [("client_id", stranger.as_str()), ("post_logout_redirect_uri", FAR)];
    let logout = stage.with_query("/oauth2/logout", &parameters);
    browser.open(&logout);
    see(browser, "logout for an application that nobody checked");
    browser.open(&stage.at("/oauth2/logout"));
    see(browser, "logout for no application");
    browser.follow("#logout-submit");
    see(browser, "signed out for an application");
    browser.open(&logout);
    see(browser, "signed out on the way to an application that nobody checked");
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

/// The consent page of a user whose data may be changed, before and after an application may do it.
fn walk_changes(
    stage: &Stage,
    browser: &mut Browser,
    see: &mut impl FnMut(&mut Browser, &str),
    redirect: &str,
) {
    let ask = format!("{}&prompt=consent", stage.application("Order desk", "", redirect));
    for name in ["orders", "stockkeeping_of_the_northern_harbour"] {
        stage.add_data_source_that(name, true);
    }
    browser.open(&ask);
    see(browser, "consent to changes");
    browser.press("[name=changes]");
    browser.follow("#consent-allow");
    browser.open(&ask);
    assert!(browser.has("#changed-now"), "the page says what ends without the tick");
    see(browser, "consent to changes that it may make now");
    browser.open(&stage.at("/account/applications"));
    see(browser, "applications that may change data");
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

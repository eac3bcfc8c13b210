//! The pages of a server whose public URL has a path.

use testkit::USER;

use crate::accessibility::examine_page;
use crate::browser::{Browser, Scripts};
use crate::stage::{Page, Site, Stage, parameter};

/// Whether the style sheet applies.
const IS_STYLED: &str = "document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 0";

fn sign_in_allow_and_sign_out(scripts: Scripts) {
    let (stage, client, mut browser) = (Stage::below_a_path(), Site::of_a_client(), Browser::new(scripts));
    assert!(stage.at("").ends_with("/gate"));
    browser.open(&stage.application("Tide table", "when to sail", &client.at("/callback")));
    assert!(browser.has("#login-submit"), "{}", browser.text());
    assert_eq!(browser.value(IS_STYLED), true);
    let examine = |browser: &mut Browser, name: &str| match scripts {
        Scripts::Run => examine_page(browser, &format!("{name} below a path")),
        Scripts::Off => Vec::new(),
    };
    let mut faults = examine(&mut browser, "login");
    browser.sign_in(USER.name, "not the password");
    assert!(browser.has("#login-problem"), "{}", browser.text());
    browser.sign_in(USER.name, USER.password);
    assert_eq!(browser.value(IS_STYLED), true);
    assert!(browser.text().contains("Tide table"), "{}", browser.text());
    faults.extend(examine(&mut browser, "consent"));
    browser.follow("#consent-allow");
    let back = browser.address();
    assert!(back.starts_with(&client.at("/callback")) && parameter(&back, "code").is_some(), "{back}");
    assert_eq!(parameter(&back, "iss"), Some(stage.at("")));

    browser.open(&stage.at(""));
    browser.open(&stage.at("/account"));
    for page in [
        "/account/profile",
        "/account/applications",
        "/account/requests",
        "/account/tokens",
        "/account/security",
    ] {
        browser.follow(&format!("nav a[href='/gate{page}']"));
        assert_eq!((browser.address(), browser.value(IS_STYLED)), (stage.at(page), true.into()));
    }
    for page in ["/account/sessions", "/account/activity"] {
        browser.follow(&format!("p a[href='/gate{page}']"));
        assert_eq!((browser.address(), browser.value(IS_STYLED)), (stage.at(page), true.into()));
        browser.follow("nav a[href='/gate/account/security']");
    }
    browser.follow("p a[href='/gate/account/password']");
    assert_eq!(browser.address(), stage.at("/account/password"));
    browser.follow("nav a[href='/gate/account']");
    browser.follow("p a[href='/gate/account/logins']");
    assert_eq!(browser.address(), stage.at("/account/logins"));
    browser.follow("nav a[href='/gate/account']");
    faults.extend(examine(&mut browser, "account"));
    browser.follow("#logout-submit");
    assert!(browser.text().contains("You are signed out"), "{}", browser.text());
    browser.open(&stage.at("/account"));
    assert!(browser.has("#login-submit"), "{}", browser.text());
    assert_eq!(browser.violations(), [] as [String; 0]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_user_signs_in_allows_and_signs_out_below_a_path() {
    sign_in_allow_and_sign_out(Scripts::Run);
}

#[test]
fn a_user_signs_in_allows_and_signs_out_below_a_path_without_scripts() {
    sign_in_allow_and_sign_out(Scripts::Off);
}

/// The only page of a flow with a script.
#[test]
fn the_page_that_posts_a_response_runs_below_a_path() {
    let posted = "<!DOCTYPE html><title>The application</title><link rel=icon href=data:,><p>Posted.";
    let client = Site::serve(move |_| Page::shown("", posted));
    let (stage, mut browser) = (Stage::below_a_path(), Browser::new(Scripts::Run));
    let ask = stage.application("Tide table", "", &client.at("/callback"));
    browser.open(&format!("{ask}&response_mode=form_post"));
    browser.sign_in(USER.name, USER.password);
    browser.until_requested(&client.at("/callback"), |browser| browser.press("#consent-allow"));
    assert_eq!(browser.violations(), [] as [String; 0]);
}

/// Other programs on the same host do not get the cookies.
#[test]
fn cookies_are_sent_to_the_path_only() {
    let (stage, mut browser) = (Stage::below_a_path(), Browser::new(Scripts::Run));
    browser.open(&stage.at("/account"));
    browser.sign_in(USER.name, USER.password);
    assert_eq!(browser.address(), stage.at("/account"));
    let root = stage.at("").replace("/gate", "");
    assert!(browser.cookies_for(&stage.at("/login")).contains(&"sluicegate".to_owned()));
    for elsewhere in ["", "/", "/gatehouse", "/other/gate/login"] {
        assert_eq!(browser.cookies_for(&format!("{root}{elsewhere}")), [] as [String; 0], "{elsewhere}");
    }
}

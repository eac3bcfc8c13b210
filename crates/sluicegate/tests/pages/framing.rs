//! No other site can show our pages in a frame.

use crate::browser::{Browser, Scripts};
use crate::stage::{Page, Site, Stage};

#[test]
fn the_sign_in_page_cannot_be_framed() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let plain = Site::of_a_client();
    let (login, other) = (stage.at("/login"), plain.at("/"));
    let site = Site::serve(move |_| {
        Page::shown(
            "",
            &format!("<!DOCTYPE html><iframe src='{login}'></iframe><iframe src='{other}'></iframe>"),
        )
    });
    browser.open(&site.at("/"));
    let mut frames = browser.frames();
    frames.sort();
    assert_eq!(frames.len(), 2, "{frames:?}");
    assert!(frames.contains(&("chrome-error://chromewebdata/".to_owned(), true)), "{frames:?}");
    assert!(frames.contains(&(plain.at("/"), false)), "a page that allows it is shown: {frames:?}");
    assert!(
        browser.violations().iter().any(|line| line.contains("frame-ancestors")),
        "{:?}",
        browser.violations()
    );
}

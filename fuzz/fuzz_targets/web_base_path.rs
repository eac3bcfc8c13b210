#![no_main]
//! No address makes the base path panic. Each path below it is found again, and an address outside stays as it is.

use http::Uri;
use http::header::HeaderValue;
use web::BasePath;
use web::fuzzing::{put_base_path, take_base_path};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(sent) = text.parse::<Uri>() else { return };
    for base in ["", "/gate", "/a/b.c"] {
        let base = BasePath::of(&format!("https://gate.example:8443{base}"));
        let mut inside = sent.clone();
        if take_base_path(&base, &mut inside) {
            assert_eq!((inside.authority(), inside.query()), (sent.authority(), sent.query()));
            assert!(sent.path().len() >= inside.path().len() || inside.path() == "/");
        } else {
            assert!(!base.is_root());
            assert_eq!(inside, sent);
        }
        location_leads_to_the_same_path(&base, text);
    }
});

fn location_leads_to_the_same_path(base: &BasePath, path: &str) {
    let is_ours = path.starts_with('/') && !path.starts_with("//");
    let Ok(mut location) = HeaderValue::from_str(path) else { return };
    put_base_path(base, &mut location);
    let location = std::str::from_utf8(location.as_bytes()).expect("two texts").to_owned();
    assert_eq!(location.strip_suffix(path), Some(if is_ours { base.as_str() } else { "" }));
    let (Ok(wanted), Ok(mut uri)) = (path.parse::<Uri>(), location.parse::<Uri>()) else { return };
    if is_ours {
        assert!(take_base_path(base, &mut uri));
        assert_eq!(uri, wanted);
    }
}

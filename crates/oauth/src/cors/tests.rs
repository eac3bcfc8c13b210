use super::*;

fn origin(text: &str) -> WebOrigin {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn names(pattern: &str, text: &str) -> bool {
    pattern
        .parse::<OriginPattern>()
        .unwrap_or_else(|fault| panic!("{pattern} {fault}"))
        .matches(&origin(text))
}

#[test]
fn an_origin_is_a_scheme_a_host_and_an_optional_port() {
    for (text, read) in [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.COM:443", "https://app.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://example.com:80", "http://example.com"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ] {
        assert_eq!(origin(text).to_string(), read);
    }
    let long = format!("https://{}.example", "a".repeat(300));
    for text in [
        "null",
        "",
        "*",
        "https://",
        "https:///",
        "https://a/",
        "https://a/path",
        "https://a?x",
        "https://a#x",
        "https://user@a",
        "https://a b",
        "https://a\\b",
        "https://*.a.example",
        "https://ä.example",
        "file://a",
        "File://a",
        "https:a://b",
        "https:/a://b",
        "ht\ntps://a",
        "data:text/html,x",
        "blob://a",
        "example.com",
        "https://a:99999",
        "https://a, https://b",
        &long,
    ] {
        assert!(text.parse::<WebOrigin>().is_err(), "{text}");
    }
}

#[test]
fn a_listed_origin_matches_only_itself() {
    assert!(names("https://app.example.com", "https://app.example.com"));
    assert!(names("HTTPS://App.example.com:443", "https://app.example.com"));
    assert!(names("https://intranet", "https://intranet"));
    for other in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://example.com",
        "https://evilapp.example.com",
        "https://app.example.com.evil.example",
    ] {
        assert!(!names("https://app.example.com", other), "{other}");
    }
}

#[test]
fn a_star_stands_for_the_labels_before_a_domain() {
    for below in ["https://a.example.com", "https://a.b.example.com"] {
        assert!(names("https://*.example.com", below), "{below}");
    }
    for other in [
        "https://example.com",
        "https://evilexample.com",
        "https://a.example.com.evil.example",
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://a..example.com",
        "https://.example.com",
    ] {
        assert!(!names("https://*.example.com", other), "{other}");
    }
    assert!(names("http://*.example.com:8080", "http://a.example.com:8080"));
}

#[test]
fn a_star_is_refused_elsewhere_and_before_a_public_suffix() {
    for (text, fault) in [
        ("", PatternFault::Empty),
        ("null", PatternFault::Null),
        ("nope", PatternFault::Scheme),
        ("*", PatternFault::Scheme),
        ("*.example.com", PatternFault::Scheme),
        ("app.example.com", PatternFault::Scheme),
        ("app.example.com:8443", PatternFault::Scheme),
        ("://example.com", PatternFault::Scheme),
        ("https://*", PatternFault::StarElsewhere),
        ("https://*example.com", PatternFault::StarElsewhere),
        ("https://a.*.example.com", PatternFault::StarElsewhere),
        ("https://*.*.example.com", PatternFault::StarElsewhere),
        ("https://example.*", PatternFault::StarElsewhere),
        ("https://*.com", PatternFault::TooWide),
        ("https://*.com.", PatternFault::TooWide),
        ("https://*.127.0.0.1", PatternFault::NotAnOrigin),
        ("ftp://example.com", PatternFault::Scheme),
        ("wss://example.com", PatternFault::Scheme),
        ("file://example.com", PatternFault::NotAnOrigin),
        ("FILE://example.com", PatternFault::NotAnOrigin),
        ("https://example.com/", PatternFault::NotAnOrigin),
        ("https://example.com/path", PatternFault::NotAnOrigin),
        ("https://user@example.com", PatternFault::NotAnOrigin),
        ("https://", PatternFault::NotAnOrigin),
        ("https://*.", PatternFault::NotAnOrigin),
    ] {
        assert_eq!(text.parse::<OriginPattern>(), Err(fault), "{text}");
    }
}

#[test]
fn a_star_before_any_public_suffix_is_refused() {
    for wide in [
        "com",
        "com.",
        "internal",
        "co.uk",
        "CO.UK",
        "com.br",
        "co.jp",
        "k12.ca.us",
        "github.io",
        "herokuapp.com",
        "xn--55qx5d.cn",
        // Every name below it is a suffix.
        "ck",
        "kawasaki.jp",
    ] {
        for text in
            [format!("https://*.{wide}"), format!("https://*.{wide}:8443"), format!("http://*.{wide}")]
        {
            assert_eq!(text.parse::<OriginPattern>(), Err(PatternFault::TooWide), "{text}");
        }
        let one = format!("https://{}", wide.trim_end_matches('.'));
        assert!(one.parse::<OriginPattern>().is_ok(), "{one} is one host");
    }
    for own in ["example.com", "example.co.uk", "a.b.example.co.uk", "corp.internal", "someone.github.io"] {
        assert!(format!("https://*.{own}").parse::<OriginPattern>().is_ok(), "{own}");
    }
}

#[test]
fn a_pattern_is_written_in_its_shortest_form() {
    for (text, written) in [
        ("HTTPS://*.Example.COM:443", "https://*.example.com"),
        ("http://a.example:8080", "http://a.example:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
    ] {
        let pattern: OriginPattern = text.parse().unwrap();
        assert_eq!(pattern.to_string(), written);
        assert_eq!(written.parse(), Ok(pattern));
    }
}

#[test]
fn an_application_must_not_use_a_star() {
    let single = |text: &str| text.parse::<OriginPattern>().and_then(OriginPattern::single);
    assert_eq!(
        single("https://a.example").map(|origin| origin.to_string()),
        Ok("https://a.example".to_owned())
    );
    assert_eq!(single("https://*.a.example"), Err(PatternFault::Star));
    assert_eq!(single("null"), Err(PatternFault::Null));
}

#[test]
fn web_redirect_urls_have_an_origin_and_private_use_schemes_have_none() {
    let of = |text| of_redirect_url(text).map(|origin| origin.to_string());
    assert_eq!(of("https://App.example.com:443/cb?x=1").as_deref(), Some("https://app.example.com"));
    assert_eq!(of("http://localhost:3000/cb").as_deref(), Some("http://localhost:3000"));
    assert_eq!(of("bedford.progresstest.com").as_deref(), Some("https://bedford.progresstest.com"));
    for none in
        ["bedford.progresstest.com:8443", "com.example.app:/cb", "com.example.app://host/cb", "nonsense cb"]
    {
        assert_eq!(of(none), None, "{none}");
    }
}

use proptest::prelude::*;

use super::*;

const COMPATIBLE: Profile = Profile::Compatible;
const OAUTH21: Profile = Profile::OAuth21;

fn may_be_registered(text: &str, profile: Profile) -> Result<Option<RedirectWarning>, RedirectFault> {
    super::may_be_registered(text, profile, AllowedSchemes::NONE)
}

fn matches(requested: &str, registered: &str, profile: Profile) -> bool {
    matching(requested, &[registered.to_owned()], profile).is_some()
}

#[test]
fn unsafe_and_malformed_redirect_urls_are_refused() {
    use RedirectFault as Fault;
    let long = format!("https://a.example/{}", "x".repeat(2048));
    for (text, fault) in [
        ("", Fault::Empty),
        (long.as_str(), Fault::TooLong),
        ("https://a.example/\n", Fault::ControlCharacter),
        ("https://a.example/ b", Fault::ControlCharacter),
        ("https://ä.example/", Fault::NotAscii),
        ("https://a.example\\@b.example/", Fault::Backslash),
        ("/cb", Fault::NotAbsolute),
        ("//a.example/cb", Fault::NotAbsolute),
        ("a.example/cb", Fault::NotAbsolute),
        ("https:a.example/cb", Fault::NotAbsolute),
        ("https:///a.example/cb", Fault::NotAbsolute),
        ("https://", Fault::NotAbsolute),
        ("javascript:alert(1)", Fault::DangerousScheme),
        ("JavaScript:alert(1)", Fault::DangerousScheme),
        ("data:text/html,x", Fault::DangerousScheme),
        ("vbscript:x", Fault::DangerousScheme),
        ("file:///etc/passwd", Fault::DangerousScheme),
        ("https://a.example/cb#x", Fault::Fragment),
        ("https://a.example/cb#", Fault::Fragment),
        ("com.example.app:/cb#x", Fault::Fragment),
        ("https://u@a.example/", Fault::UserInformation),
        ("https://u:p@a.example/", Fault::UserInformation),
        ("https://@a.example/", Fault::UserInformation),
        ("https://a;b.example/", Fault::HostCharacter),
        ("https://*.example/", Fault::HostCharacter),
        ("https://a'b.example/", Fault::HostCharacter),
    ] {
        assert_eq!(may_be_registered(text, COMPATIBLE), Err(fault), "{text}");
        assert_eq!(matching(text, &[text.to_owned()], COMPATIBLE), None, "{text}");
    }
}

#[test]
fn a_host_must_be_spelled_as_browsers_interpret_it() {
    for text in [
        "http://2130706433/cb",
        "http://127.1/cb",
        "http://0x7f.0.0.1/cb",
        "http://0177.0.0.1:80/cb",
        "http://[0:0:0:0:0:0:0:1]/cb",
        "http://%6cocalhost/cb",
        "https://a%2eexample/cb",
    ] {
        assert_eq!(may_be_registered(text, COMPATIBLE), Err(RedirectFault::HostSpelling), "{text}");
        assert!(matches(text, text, COMPATIBLE), "{text}: what is registered already keeps working");
    }
    for text in
        ["https://A.example:443/cb", "http://[::1]:80/cb", "http://LOCALHOST/cb", "https://a.example?x=1"]
    {
        assert!(may_be_registered(text, COMPATIBLE).is_ok(), "{text}");
    }
}

#[test]
fn a_query_with_a_response_parameter_is_refused_at_registration_and_under_a_bare_host() {
    let names = ANSWER_PARAMETERS.map(str::to_owned).into_iter();
    let read_alike =
        ["CODE", "c%6fde", "code%5B%5D", "code[0]", "+state", "error.description", "error%20uri", "%69ss"];
    for name in names.chain(read_alike.map(str::to_owned)) {
        for query in
            [format!("{name}=x"), format!("a=1&{name}"), format!("a=1;{name}=x"), format!("{name}=&a=1")]
        {
            for url in ["https://a.example/cb", "com.example.app:/cb", "http://127.0.0.1/cb"] {
                let url = format!("{url}?{query}");
                assert_eq!(may_be_registered(&url, COMPATIBLE), Err(RedirectFault::AnswerParameter), "{url}");
                assert_eq!(may_be_registered(&url, OAUTH21), Err(RedirectFault::AnswerParameter), "{url}");
            }
            let requested = format!("https://a.example/cb?{query}");
            assert!(!matches(&requested, "a.example", COMPATIBLE), "{requested}");
        }
    }
    for query in ["app=1", "decoder=1", "statement=x", "error_page=1", "x=code", "a=state;b=iss", ""] {
        let url = format!("https://a.example/cb?{query}");
        assert!(may_be_registered(&url, OAUTH21).is_ok(), "{url}");
        assert!(matches(&url, "a.example", COMPATIBLE), "{url}");
    }
}

#[test]
fn what_may_be_registered_depends_on_the_profile() {
    use RedirectWarning as Warning;
    for (text, compatible, oauth21) in [
        ("https://a.example/cb", Ok(None), Ok(None)),
        ("https://a.example:8443/cb?x=1", Ok(None), Ok(None)),
        ("http://127.0.0.1/cb", Ok(None), Ok(None)),
        ("http://[::1]:5000/cb", Ok(None), Ok(None)),
        ("http://localhost:5000/cb", Ok(None), Ok(None)),
        ("com.example.app:/cb", Ok(None), Ok(None)),
        ("com.example.app://cb", Ok(None), Ok(None)),
        ("http://a.example/cb", Ok(Some(Warning::PlainHttp)), Err(RedirectFault::PlainHttp)),
        ("http://localhost.example/", Ok(Some(Warning::PlainHttp)), Err(RedirectFault::PlainHttp)),
        ("bedford.progresstest.com", Ok(Some(Warning::BareHost)), Err(RedirectFault::BareHost)),
        ("bedford.progresstest.com:8080", Ok(Some(Warning::BareHostWithPort)), Err(RedirectFault::BareHost)),
    ] {
        assert_eq!(may_be_registered(text, COMPATIBLE), compatible, "{text}");
        assert_eq!(may_be_registered(text, OAUTH21), oauth21, "{text}");
    }
}

#[test]
fn a_full_url_matches_only_itself() {
    let registered = "https://client.example.com/cb?app=1";
    assert!(matches(registered, registered, OAUTH21));
    for requested in [
        "https://client.example.com/cb",
        "https://client.example.com/cb?app=1&x=2",
        "https://client.example.com/cb/?app=1",
        "https://client.example.com/CB?app=1",
        "https://CLIENT.example.com/cb?app=1",
        "https://client.example.com:443/cb?app=1",
        "http://client.example.com/cb?app=1",
        "https://client.example.com.evil.example/cb?app=1",
        "https://client.example.com/x/../cb?app=1",
    ] {
        assert!(!matches(requested, registered, COMPATIBLE), "{requested}");
    }
}

#[test]
fn a_loopback_url_matches_on_any_port() {
    for (requested, registered) in [
        ("http://127.0.0.1:51004/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"),
        ("http://[::1]:51004/cb", "http://[::1]/cb"),
        ("http://localhost:51004/cb", "http://localhost:1/cb"),
    ] {
        assert!(matches(requested, registered, OAUTH21), "{requested}");
    }
    for (requested, registered) in [
        ("http://127.0.0.1:51004/other", "http://127.0.0.1/cb"),
        ("http://localhost:51004/cb", "http://127.0.0.1/cb"),
        ("https://127.0.0.1:51004/cb", "https://127.0.0.1/cb"),
        ("http://127.0.0.1.evil.example:51004/cb", "http://127.0.0.1/cb"),
        ("http://a.example:51004/cb", "http://a.example/cb"),
        ("http://127.0.0.1:/other", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:5x/cb", "http://127.0.0.1/cb"),
    ] {
        assert!(!matches(requested, registered, COMPATIBLE), "{requested}");
    }
}

#[test]
fn everything_but_the_port_of_a_loopback_url_is_compared_as_text() {
    let registered = "http://127.0.0.1/a/cb?x=1";
    for requested in [
        "http://2130706433/a/cb?x=1",
        "http://127.1:5000/a/cb?x=1",
        "http://0x7f000001/a/cb?x=1",
        "http://0177.0.0.1:5000/a/cb?x=1",
        "http://127.0.0.1:5000/a/%63b?x=1",
        "http://127.0.0.1:5000/b/../a/cb?x=1",
        "http://127.0.0.1:5000/%2e/a/cb?x=1",
        "http://127.0.0.1:5000/./a/cb?x=1",
        "http://127.0.0.1:5000/a/cb?x=%31",
        "HTTP://127.0.0.1:5000/a/cb?x=1",
        "http://127.0.0.1:5000/a/cb",
        "http://127.0.0.1:5000/a/cb?x=1&y=2",
        "http://localhost:5000/a/cb?x=1",
        "http://LOCALHOST:5000/a/cb?x=1",
        "http://[::ffff:127.0.0.1]:5000/a/cb?x=1",
    ] {
        assert!(!matches(requested, registered, COMPATIBLE), "{requested}");
        assert!(!matches(requested, registered, OAUTH21), "{requested}");
    }
    assert!(matches("http://127.0.0.1:5000/a/cb?x=1", registered, OAUTH21));
    assert!(!matches("http://[0:0:0:0:0:0:0:1]:5000/cb", "http://[::1]/cb", COMPATIBLE));
    assert!(!matches("http://LOCALHOST:5000/cb", "http://localhost/cb", COMPATIBLE));
}

#[test]
fn a_bare_host_matches_https_on_that_host_in_the_compatible_profile_only() {
    let registered = "Bedford.progresstest.com";
    for requested in ["https://bedford.progresstest.com/", "https://bedford.progresstest.com/a/b?c=d"] {
        assert!(matches(requested, registered, COMPATIBLE), "{requested}");
        assert!(!matches(requested, registered, OAUTH21), "{requested}");
    }
    for requested in [
        "http://bedford.progresstest.com/",
        "https://bedford.progresstest.com:8443/",
        "https://x.bedford.progresstest.com/",
        "https://bedford.progresstest.com.evil.example/",
        "https://bedford.progresstest.com@evil.example/",
        "https://evil.example\\.bedford.progresstest.com/",
        "https://bedford.progresstest.com/#x",
        "bedford.progresstest.com",
    ] {
        assert!(!matches(requested, registered, COMPATIBLE), "{requested}");
    }
}

#[test]
fn a_bare_host_with_a_port_never_matches() {
    for requested in
        ["https://a.example:8080/", "https://a.example/", "http://a.example:8080/", "a.example:8080"]
    {
        assert!(!matches(requested, "a.example:8080", COMPATIBLE), "{requested}");
    }
}

#[test]
fn a_url_of_a_weaker_profile_does_not_match_under_a_stricter_one() {
    assert!(matches("http://a.example/cb", "http://a.example/cb", COMPATIBLE));
    assert!(!matches("http://a.example/cb", "http://a.example/cb", OAUTH21));
}

#[test]
fn an_omitted_redirect_url_defaults_to_the_only_full_one() {
    let only = |urls: &[&str]| {
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        only_full(&urls, COMPATIBLE).map(String::from)
    };
    assert_eq!(only(&["https://a.example/cb"]).as_deref(), Some("https://a.example/cb"));
    assert_eq!(only(&["a.example", "https://a.example/cb"]).as_deref(), Some("https://a.example/cb"));
    assert_eq!(only(&["https://a.example/cb", "https://b.example/cb"]), None);
    assert_eq!(only(&["a.example"]), None);
    assert_eq!(only(&[]), None);
}

proptest! {
    #[test]
    fn no_registrable_url_panics_or_leads_elsewhere(requested in "\\PC{0,60}", registered in "\\PC{0,60}") {
        if let Some(url) = matching(&requested, std::slice::from_ref(&registered), COMPATIBLE) {
            prop_assert_eq!(url, Url::parse(&requested).unwrap());
        }
    }

    #[test]
    fn a_bare_host_never_matches_another_host(
        requested in "(https?|HTTPS)(:|:/|://|:///)[a-z@:./?#\\\\%0-9]{0,12}a\\.example[a-z@:./?#\\\\%0-9]{0,12}",
    ) {
        if let Some(url) = matching(&requested, &["a.example".to_owned()], COMPATIBLE) {
            prop_assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("a.example"), None));
            prop_assert!(url.fragment().is_none() && url.username().is_empty());
        }
    }

    #[test]
    fn every_url_that_may_be_registered_matches_itself(url in "https://[a-z]{1,9}\\.example(:[1-9][0-9]{0,3})?(/[a-z0-9._~-]{0,9}){0,3}(\\?[a-z=&]{0,9})?") {
        prop_assert!(may_be_registered(&url, OAUTH21).is_ok());
        prop_assert!(matches(&url, &url, OAUTH21));
    }
}

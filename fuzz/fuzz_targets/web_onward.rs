#![no_main]
//! No address makes the sign-in page send a browser to another site.

use http::header::HeaderValue;
use url::Url;
use web::fuzzing::onward;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for wanted in [text, &format!("/account{text}"), &format!("/oauth2/authorize?{text}")] {
        let goal = onward(wanted);
        assert!(goal == wanted || goal == "/account");
        assert_eq!(onward(goal), goal);
        let here = Url::parse("https://gate.example/login").expect("an address");
        let opened = here.join(goal).expect("an address");
        assert_eq!(opened.origin(), here.origin(), "{goal}");
        assert!(HeaderValue::from_str(goal).is_ok());
    }
});

#![no_main]
//! No claims make the rules of client assertions panic. An assertion that is accepted names the client and this server, and
//! is remembered for a bounded time.

use std::sync::{Arc, LazyLock};

use domain::time::Timestamp;
use oauth::application::{Application, ClientType, Profile};
use oauth::client_authentication::assertion::{Facts, decide};
use oauth::jwt::Claims;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const CLIENT_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const FACTS: Facts<'static> = Facts {
    issuer: "https://gate.example",
    endpoints: &["https://gate.example/oauth2/token", "https://gate.example/oauth2/par"],
    now: NOW,
};

static APPLICATION: LazyLock<Arc<Application>> =
    LazyLock::new(|| Arc::new(fuzz::application(Profile::OAuth21, ClientType::Confidential)));

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(claims) = Claims::parse(json) else { return };
    let Ok(assertion) = decide(&claims, APPLICATION.clone(), None, FACTS) else { return };
    assert_eq!(claims.text("sub"), Ok(Some(CLIENT_ID)));
    assert!(claims.audiences().is_ok_and(|all| all.iter().any(|one| one.starts_with(FACTS.issuer))));
    assert!(!assertion.id().is_empty());
    let remembered = assertion.remembered_until();
    assert!(NOW < remembered && remembered <= NOW.plus_secs(2 * 3_600));
});

#![no_main]
//! No text makes the parsers of tokens, codes, cookies and references panic. A text that was not sealed here is not opened, and
//! the content of one is read again from its encoding.

use std::sync::{Arc, LazyLock};

use domain::id::GrantId;
use domain::secret::{AuthReqIdText, DeviceCodeText, SessionCookie};
use domain::time::Timestamp;
use oauth::token_payload::RefreshToken;
use vault::{Entropy, HashingSettings, MasterKey, RegistrationToken, Vault, payload};

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let master = MasterKey::generate(&Sevens);
    let vault =
        Vault::open(&master, &[], Arc::new(Sevens), HashingSettings::owasp(1)).expect("an empty ring");
    let now = Timestamp::from_secs(1_800_000_000);
    vault.replace_ring(&[vault.new_ring_key(1, now, now)]).expect("a key of this vault");
    vault
});

static SEALED: LazyLock<String> = LazyLock::new(|| {
    let token = RefreshToken { grant: GrantId::new(12), generation: 3 };
    VAULT.seal_refresh_token(token, 1).expect("the key is there").expose().to_owned()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    content_is_read_again(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(VAULT.open_refresh_token(&SEALED).is_ok());
    let spliced = format!("{}{text}", &SEALED[..text.len() % SEALED.len()]);
    for other in [text, &spliced].into_iter().filter(|other| **other != *SEALED) {
        assert!(VAULT.open_refresh_token(other).is_err());
        assert!(VAULT.open_access_token(other).is_err());
        assert!(VAULT.open_code(other).is_err() && VAULT.open_position(other).is_err());
    }
    if let Ok((id, _)) = VAULT.parse_session_cookie(&SessionCookie::new(text)) {
        assert_eq!(
            text.split_once('.').map(|(number, secret)| (number.parse(), secret.len())),
            Some((Ok(id), 43))
        );
    }
    if let Ok((id, _)) = VAULT.parse_reference(text) {
        let number = text.rsplit(':').next().and_then(|end| end.split('.').next());
        assert_eq!(number.map(str::parse), Some(Ok(id)));
    }
    let digests = [
        VAULT.device_code_digest(&DeviceCodeText::new(text)),
        VAULT.auth_req_id_digest(&AuthReqIdText::new(text)),
        VAULT.registration_token_digest(RegistrationToken::Initial, text),
    ];
    assert!(text.len() < 64 || digests.iter().all(Option::is_none));
});

fn content_is_read_again(bytes: &[u8]) {
    if let Ok(token) = payload::read_access_token(bytes) {
        assert_eq!(payload::read_access_token(&payload::access_token(&token)), Ok(token));
    }
    if let Ok(token) = payload::read_refresh_token(bytes) {
        assert_eq!(payload::refresh_token(token), bytes);
    }
    if let Ok(code) = payload::read_code(bytes) {
        assert_eq!(payload::read_code(&payload::code(&code)), Ok(code));
    }
}

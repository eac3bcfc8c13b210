use std::sync::Arc;

use domain::id::{ApplicationId, ConsentId, DataSourceId, Epoch, GrantId, ScopeId, UserId};
use domain::time::Timestamp;
use oauth::data_access::{DataAccess, MOST_CHOSEN, MOST_NAME_BYTES, MOST_SOURCES, SourceAccess, SourceIds};
use oauth::grant::{AccessTokenDetails, Act, Ancestor, Exchanged, GrantDetails, MOST_EXCHANGES};
use oauth::proof::{KeyBinding, Thumbprint};
use oauth::resource::{LONGEST_RESOURCE, MOST_RESOURCES};
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::token_payload::{AccessToken, AuthorizationCode, RefreshToken};
use oauth::user_authentication::SignInDetails;
use proptest::prelude::*;

use crate::entropy::SeededEntropy;
use crate::seal::Purpose;
use crate::{HashingSettings, MasterKey, SealedRingKey, Unsealed, Vault};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn vault_with(keys: u32) -> (Vault, Vec<SealedRingKey>) {
    let entropy = Arc::new(SeededEntropy::new(7));
    let master = MasterKey::from_text(&"A".repeat(43)).unwrap();
    let vault = Vault::open(&master, &[], entropy, HashingSettings::cheap()).unwrap();
    let sealed: Vec<_> = (1..=keys).map(|id| vault.new_ring_key(id, NOW, NOW.minus_secs(1))).collect();
    vault.replace_ring(&sealed).unwrap();
    (vault, sealed)
}

fn token(vault: &Vault) -> AccessToken {
    AccessToken {
        id: vault.new_token_id(NOW),
        expires_at: NOW.plus_secs(3600),
        application: ApplicationId::new(3),
        application_epoch: Epoch::new(1),
        user: UserId::new(2),
        user_epoch: Epoch::new(4),
        grant: Some(GrantId::new(900)),
        scopes: BuiltInScope::OData.into(),
        binding: None,
        details: oauth::grant::AccessTokenDetails::default(),
    }
}

#[test]
fn a_sealed_access_token_opens_to_what_was_sealed() {
    let (vault, _) = vault_with(1);
    let token = token(&vault);
    let text = vault.seal_access_token(&token).unwrap();
    assert!(text.expose().starts_with("sga_"));
    assert_eq!(vault.open_access_token(text.expose()), Ok(token));
}

#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let (vault, _) = vault_with(1);
    let text = vault.seal_access_token(&token(&vault)).unwrap().expose().to_owned();
    for at in 0..text.len() {
        for bit in 0..7 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            assert_eq!(vault.open_access_token(&flipped), Err(Unsealed), "bit {bit} of character {at}");
        }
    }
}

#[test]
fn a_truncated_or_extended_token_does_not_open() {
    let (vault, _) = vault_with(1);
    let text = vault.seal_access_token(&token(&vault)).unwrap().expose().to_owned();
    for length in 0..text.len() {
        assert_eq!(vault.open_access_token(&text[..length]), Err(Unsealed), "cut to {length}");
    }
    for more in ["A", "=", "AA", "AAAA", "\n"] {
        assert_eq!(vault.open_access_token(&format!("{text}{more}")), Err(Unsealed));
    }
}

/// The last character contains unused bits; setting one gives another text for the same bytes.
#[test]
fn each_token_has_exactly_one_text() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (vault, _) = vault_with(1);
    let refresh = RefreshToken { grant: GrantId::new(1), generation: 0 };
    let text = vault.seal_refresh_token(refresh, 1).unwrap().expose().to_owned();
    for at in 0..text.len() {
        let opened = ALPHABET.iter().filter(|character| {
            let mut other = text.clone().into_bytes();
            other[at] = **character;
            vault.open_refresh_token(std::str::from_utf8(&other).unwrap()).is_ok()
        });
        assert_eq!(opened.count(), 1, "character {at}");
    }
    let standard = text.replace('-', "+").replace('_', "/");
    for other in [format!(" {text}"), format!("{text} "), text.to_uppercase(), text.replacen("sgr", "SGR", 1)]
    {
        assert_eq!(vault.open_refresh_token(&other), Err(Unsealed), "{other}");
    }
    assert!(standard == text || vault.open_refresh_token(&standard).is_err());
}

#[test]
fn an_overlong_text_is_not_decoded() {
    let (vault, _) = vault_with(1);
    let long = |prefix: &str| format!("{prefix}{}", "A".repeat(1 << 20));
    assert_eq!(vault.open_access_token(&long("sga_")), Err(Unsealed));
    assert_eq!(vault.open_position(&long("sgn_")), Err(Unsealed));
}

/// The longest values that fields allow must fit into what opening accepts.
#[test]
fn the_longest_token_and_code_open() {
    let (vault, _) = vault_with(1);
    let far = i64::MIN;
    let access = AccessToken {
        id: vault.new_token_id(NOW),
        expires_at: Timestamp::from_micros(far),
        application: ApplicationId::new(far),
        application_epoch: Epoch::new(far),
        user: UserId::new(far),
        user_epoch: Epoch::new(far),
        grant: Some(GrantId::new(far)),
        scopes: BuiltInScope::ALL.into_iter().collect(),
        binding: Some(KeyBinding::Certificate(Thumbprint::from_bytes([0xff; 32]))),
        details: AccessTokenDetails {
            resources: longest_resources(),
            data: Some(Box::new(most_data())),
            exchanged: Some(Box::new(longest_exchange(&vault))),
        },
    };
    let text = vault.seal_access_token(&access).unwrap();
    assert_eq!(vault.open_access_token(text.expose()).as_ref(), Ok(&access));
    let text = vault.seal_signed_access_token(&access).unwrap();
    assert!(text.len() <= Purpose::SignedAccessToken.most_characters());
    let code = AuthorizationCode {
        id: vault.new_code_id(NOW),
        expires_at: Timestamp::from_micros(far),
        application: ApplicationId::new(far),
        application_epoch: Epoch::new(far),
        user: UserId::new(far),
        user_epoch: Epoch::new(far),
        consent: ConsentId::new(far),
        scopes: BuiltInScope::ALL.into_iter().collect(),
        redirect_digest: Some([0xff; 32]),
        challenge: Some([0xff; 32]),
        auth_time: Timestamp::from_micros(far),
        details: GrantDetails {
            resources: longest_resources(),
            data: Some(Box::new(most_data())),
            sign_in: Some(SignInDetails { auth_time: far, sid: Some("s".repeat(64)), second_factor: false }),
            nonce: Some("\u{7f}".repeat(512)),
            dpop_jkt: Some("j".repeat(43)),
            certificate: Some("c".repeat(43)),
            ..GrantDetails::default()
        },
    };
    let text = vault.seal_code(&code).unwrap();
    assert_eq!(vault.open_code(text.expose()).as_ref(), Ok(&code));
    let endless = AuthorizationCode { details: GrantDetails::limited_to(vec!["r".repeat(49_152)]), ..code };
    assert_eq!(vault.seal_code(&endless).map(drop), Err(Unsealed), "what cannot be opened is not sealed");
}

fn longest_resources() -> Vec<String> {
    vec!["r".repeat(LONGEST_RESOURCE); MOST_RESOURCES]
}

/// All names are of quotation marks, which take two bytes in JSON.
fn most_data() -> DataAccess {
    let each = MOST_NAME_BYTES / MOST_SOURCES;
    let source = |n: usize| {
        let id = DataSourceId::new(i64::MAX - i64::try_from(n).unwrap());
        SourceAccess::new(id, vec!["\"".repeat(each)])
    };
    // As far from each other as ids can be.
    let far = |n: i64| DataSourceId::new(n * (i64::MAX / 1_100));
    let whole = (1..=MOST_CHOSEN).map(|n| far(i64::try_from(n).unwrap()));
    DataAccess { whole: SourceIds::new(whole), ..DataAccess::to((0..MOST_SOURCES).map(source).collect()) }
}

fn longest_exchange(vault: &Vault) -> Exchanged {
    let actor = |act| Some(Box::new(Act { sub: "s".repeat(1_024), client_id: "c".repeat(1_024), act }));
    let act = (0..MOST_EXCHANGES).fold(None, |act, _| actor(act));
    let ancestor = Ancestor::new(vault.new_token_id(NOW), ApplicationId::new(i64::MIN), Epoch::new(i64::MIN));
    Exchanged { sub: "s".repeat(1_024), act, from: vec![ancestor; MOST_EXCHANGES] }
}

#[test]
fn sealing_the_same_token_twice_gives_two_texts() {
    let (vault, _) = vault_with(1);
    let token = token(&vault);
    let seal = || vault.seal_access_token(&token).unwrap().expose().to_owned();
    assert_ne!(seal(), seal());
}

#[test]
fn debug_output_shows_nothing_secret() {
    let (vault, keys) = vault_with(1);
    let fresh = vault.new_client_secret();
    let (session, digest) = vault.new_session_secret();
    let token = vault.seal_access_token(&token(&vault)).unwrap();
    let cookie = vault.session_cookie(domain::id::SessionId::new(1), &session);
    let csrf = vault.csrf_token(cookie.expose());
    let printed = format!("{token:?} {session:?} {digest:?} {cookie:?} {csrf:?} {:?}", vault.new_password());
    assert_eq!(printed.matches("redacted").count(), 6, "{printed}");
    assert!(!printed.contains(&token.expose()[4..]));
    let printed = format!("{fresh:?}");
    assert!(!printed.contains(&fresh.secret.expose()[..20]), "{printed}");
    assert!(!format!("{:?}", keys[0]).contains("bytes"));
}

#[test]
fn the_ring_can_be_replaced_during_sealing_and_opening() {
    let (vault, keys) = vault_with(3);
    let token = token(&vault);
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| {
            for round in 0..200 {
                vault.replace_ring(&keys[..=round % 3]).unwrap();
            }
        });
        while !replacing.is_finished() {
            let text = vault.seal_access_token(&token).unwrap();
            let _ = vault.open_access_token(text.expose());
        }
    });
    vault.replace_ring(&keys).unwrap();
    assert_eq!(vault.active_key(NOW), Some(3));
}

#[test]
fn a_ring_with_a_broken_key_does_not_replace_the_current_one() {
    let (vault, keys) = vault_with(2);
    let text = vault.seal_access_token(&token(&vault)).unwrap();
    for at in 0..keys[1].bytes.len() {
        let mut broken = keys[1].clone();
        broken.bytes[at] ^= 1;
        assert!(vault.replace_ring(&[keys[0].clone(), broken]).is_err(), "byte {at}");
    }
    assert!(vault.open_access_token(text.expose()).is_ok());
}

#[test]
fn a_text_never_opens_for_another_purpose() {
    let (vault, _) = vault_with(1);
    let refresh = RefreshToken { grant: GrantId::new(1), generation: 0 };
    let text = vault.seal_refresh_token(refresh, 1).unwrap().expose().to_owned();
    assert_eq!(vault.open_access_token(&text), Err(Unsealed));
    let disguised = text.replacen("sgr_", "sga_", 1);
    assert_eq!(vault.open_access_token(&disguised), Err(Unsealed));
    assert_eq!(vault.open_code(&text.replacen("sgr_", "sgc_", 1)), Err(Unsealed));
}

#[test]
fn the_same_refresh_token_under_the_same_key_has_the_identical_text() {
    let (vault, _) = vault_with(2);
    let refresh = RefreshToken { grant: GrantId::new(1), generation: 5 };
    let seal = |token, key| vault.seal_refresh_token(token, key).unwrap().expose().to_owned();
    assert_eq!(seal(refresh, 1), seal(refresh, 1));
    assert_ne!(seal(refresh, 1), seal(refresh, 2));
    assert_ne!(seal(refresh, 1), seal(RefreshToken { generation: 6, ..refresh }, 1));
    assert_eq!(vault.open_refresh_token(&seal(refresh, 1)), Ok(refresh));
}

#[test]
fn an_old_key_opens_what_it_sealed_and_a_missing_key_opens_nothing() {
    let (vault, first) = vault_with(1);
    let text = vault.seal_access_token(&token(&vault)).unwrap().expose().to_owned();
    let second = vault.new_ring_key(2, NOW, NOW);
    vault.replace_ring(&[first[0].clone(), second.clone()]).unwrap();
    assert_eq!(vault.active_key(NOW), Some(2));
    assert!(vault.open_access_token(&text).is_ok());
    vault.replace_ring(&[second]).unwrap();
    assert_eq!(vault.open_access_token(&text), Err(Unsealed));
}

#[test]
fn a_key_does_not_seal_before_its_start() {
    let (vault, first) = vault_with(1);
    let later = vault.new_ring_key(2, NOW, NOW.plus_secs(5));
    vault.replace_ring(&[first[0].clone(), later]).unwrap();
    assert_eq!(vault.active_key(NOW), Some(1));
    assert_eq!(vault.active_key(NOW.plus_secs(5)), Some(2));
}

#[test]
fn ring_keys_do_not_open_under_another_master_key_or_number() {
    let (_, mut keys) = vault_with(1);
    let other = MasterKey::from_text(&"B".repeat(42).chars().chain(['A']).collect::<String>()).unwrap();
    let entropy = || Arc::new(SeededEntropy::new(1));
    assert!(Vault::open(&other, &keys, entropy(), HashingSettings::cheap()).is_err());
    keys[0].id = 2;
    let master = MasterKey::from_text(&"A".repeat(43)).unwrap();
    assert!(Vault::open(&master, &keys, entropy(), HashingSettings::cheap()).is_err());
}

#[test]
fn without_a_key_nothing_is_sealed() {
    let (vault, _) = vault_with(0);
    assert!(vault.seal_access_token(&token(&vault)).is_err());
}

prop_compose! {
    fn any_scopes()(bits in 0_u32..8, others in proptest::collection::vec(4_i64.., 0..20)) -> ScopeSet {
        ScopeSet::from_parts(bits, others.into_iter().map(ScopeId::new))
    }
}

prop_compose! {
    fn any_access_token()(
        application in any::<i64>(), user in any::<i64>(), grant in proptest::option::of(any::<i64>()),
        epochs in any::<(i64, i64)>(), expires in any::<i64>(), random in any::<[u8; 8]>(), at in any::<i64>(),
        scopes in any_scopes(), resources in proptest::collection::vec("[ -~]{0,30}", 0..3), key in proptest::option::of(any::<(bool, [u8; 32])>()),
    ) -> AccessToken {
        AccessToken {
            id: domain::id::TokenId::compose(Timestamp::from_micros(at), random),
            expires_at: Timestamp::from_micros(expires),
            details: oauth::grant::AccessTokenDetails::limited_to(resources),
            application: ApplicationId::new(application),
            application_epoch: Epoch::new(epochs.0),
            user: UserId::new(user),
            user_epoch: Epoch::new(epochs.1),
            grant: grant.map(GrantId::new),
            scopes,
            binding: key.map(|(is_key, bytes)| {
                let thumbprint = Thumbprint::from_bytes(bytes);
                if is_key { KeyBinding::Key(thumbprint) } else { KeyBinding::Certificate(thumbprint) }
            }),
        }
    }
}

prop_compose! {
    fn any_code()(
        ids in any::<(i64, i64, i64)>(), epochs in any::<(i64, i64)>(), times in any::<(i64, i64)>(),
        random in any::<[u8; 8]>(), scopes in any_scopes(),
        redirect_digest in proptest::option::of(any::<[u8; 32]>()), challenge in proptest::option::of(any::<[u8; 32]>()),
    ) -> AuthorizationCode {
        AuthorizationCode {
            id: domain::id::CodeId::compose(NOW, random),
            expires_at: Timestamp::from_micros(times.0),
            application: ApplicationId::new(ids.0),
            application_epoch: Epoch::new(epochs.0),
            user: UserId::new(ids.1),
            user_epoch: Epoch::new(epochs.1),
            consent: ConsentId::new(ids.2),
            scopes,
            redirect_digest,
            challenge,
            auth_time: Timestamp::from_micros(times.1),
            details: oauth::grant::GrantDetails::default(),
        }
    }
}

proptest! {
    /// After a restore, a number may be assigned again that a lost database had assigned.
    #[test]
    fn another_key_with_the_same_number_opens_nothing(token in any_access_token(), code in any_code()) {
        let (vault, first) = vault_with(1);
        let refresh = RefreshToken { grant: GrantId::new(1), generation: 0 };
        let position = vault.seal_position(b"after row 5", NOW).unwrap();
        let token = AccessToken { id: vault.new_token_id(NOW), ..token };
        let token = vault.seal_access_token(&token).unwrap();
        let refresh = vault.seal_refresh_token(refresh, 1).unwrap();
        let code = vault.seal_code(&code).unwrap();
        vault.replace_ring(&[vault.new_ring_key(first[0].id, NOW, NOW)]).unwrap();
        prop_assert_eq!(vault.open_access_token(token.expose()), Err(Unsealed));
        prop_assert_eq!(vault.open_refresh_token(refresh.expose()), Err(Unsealed));
        prop_assert!(vault.open_code(code.expose()).is_err());
        prop_assert_eq!(vault.open_position(&position), Err(Unsealed));
    }

    #[test]
    fn every_access_token_survives_its_encoding(token in any_access_token()) {
        let bytes = crate::payload::access_token(&token);
        prop_assert_eq!(crate::payload::read_access_token(&bytes), Ok(token));
    }

    #[test]
    fn every_code_survives_its_encoding(code in any_code()) {
        let bytes = crate::payload::code(&code);
        prop_assert_eq!(crate::payload::read_code(&bytes), Ok(code));
    }

    #[test]
    fn every_refresh_token_survives_its_encoding(grant in any::<i64>(), generation in any::<i64>()) {
        let token = RefreshToken { grant: GrantId::new(grant), generation };
        let bytes = crate::payload::refresh_token(token);
        prop_assert_eq!(crate::payload::read_refresh_token(&bytes), Ok(token));
    }

    /// A reader accepts only what a writer would have written: there is no second encoding.
    #[test]
    fn a_refresh_token_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let bytes: Vec<u8> = std::iter::once(1).chain(bytes).collect();
        if let Ok(token) = crate::payload::read_refresh_token(&bytes) {
            prop_assert_eq!(crate::payload::refresh_token(token), bytes);
        }
    }

    #[test]
    fn every_position_opens_to_its_bytes(position in proptest::collection::vec(any::<u8>(), 0..500)) {
        let (vault, _) = vault_with(1);
        let text = vault.seal_position(&position, NOW).unwrap();
        prop_assert_eq!(vault.open_position(&text), Ok(position));
    }

    #[test]
    fn no_payload_makes_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = crate::payload::read_access_token(&bytes);
        let _ = crate::payload::read_code(&bytes);
        let _ = crate::payload::read_refresh_token(&bytes);
    }

    #[test]
    fn no_text_makes_opening_panic(text in "(sga_|sgr_|sgc_|)[A-Za-z0-9_=-]{0,200}") {
        let (vault, _) = vault_with(1);
        prop_assert_eq!(vault.open_access_token(&text), Err(Unsealed));
        prop_assert!(vault.open_code(&text).is_err());
        prop_assert!(vault.open_refresh_token(&text).is_err());
    }
}

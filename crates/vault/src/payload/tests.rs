//! Payloads and sealed texts that the version without further scopes has written.

use std::sync::Arc;

use super::*;
use crate::entropy::SeededEntropy;
use crate::{HashingSettings, MasterKey, Vault};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Access tokens, with the bits of their scopes.
const ACCESS_TOKENS: [(u32, &str); 7] = [
    (1, "010909090909090909090909090909090980908feb9d898506060204080201880e00"),
    (2, "010909090909090909090909090909090980908feb9d898506060204080401880e00"),
    (3, "010909090909090909090909090909090980908feb9d898506060204080601880e00"),
    (4, "010909090909090909090909090909090980908feb9d898506060204080801880e00"),
    (5, "010909090909090909090909090909090980908feb9d898506060204080a01880e00"),
    (6, "010909090909090909090909090909090980908feb9d898506060204080c01880e00"),
    (7, "010909090909090909090909090909090980908feb9d898506060204080e01880e00"),
];

/// Codes, with the bits of their scopes.
const CODES: [(u32, &str); 7] = [
    (
        1,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010201050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        2,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010401050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        3,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010601050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        4,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010801050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        5,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010a01050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        6,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010c01050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
    (
        7,
        "0108080808080808080808080808080808809c8ebb83898506060204089a010e01050505050505050505050505\
         0505050505050505050505050505050505050505008080f28183898506",
    ),
];

/// The access token and the code with every scope, under the first key of [`vault`].
const SEALED_TOKEN: &str =
    "sga_AAAAAclfVc2qB3rrQJxLCXeejNaL9Ew2i1kpAv0Q1-Wu4_rFrN22yZe1fsw2DyiftHgFSND1gFVg7mwpB1V-IM-k";
const SEALED_CODE: &str = "sgc_AAAAAexKf92nSvcOgtPnuSDo-BrXpisXBeOyVkO6ANr_Bz8ZziGNt7-JruRnS1EerigfCFFxbPlQ78A_7xH5ly\
    bdfzJWM3SAuWTqcfMmRIaCxgY0lwntNL3fyVHPWrFQzUav-9jdN9UKmw";

fn vault() -> Vault {
    let entropy = Arc::new(SeededEntropy::new(7));
    let master = MasterKey::from_text(&"A".repeat(43)).unwrap();
    let vault = Vault::open(&master, &[], entropy, HashingSettings::cheap()).unwrap();
    vault.replace_ring(&[vault.new_ring_key(1, NOW, NOW.minus_secs(1))]).unwrap();
    vault
}

fn token(scopes: ScopeSet) -> AccessToken {
    AccessToken {
        id: TokenId::from_bytes([9; 16]),
        expires_at: NOW.plus_secs(3600),
        application: ApplicationId::new(3),
        application_epoch: Epoch::new(1),
        user: UserId::new(2),
        user_epoch: Epoch::new(4),
        grant: Some(GrantId::new(900)),
        scopes,
        binding: None,
        details: oauth::grant::AccessTokenDetails::default(),
    }
}

fn code_with(scopes: ScopeSet) -> AuthorizationCode {
    AuthorizationCode {
        id: CodeId::from_bytes([8; 16]),
        expires_at: NOW.plus_secs(60),
        application: ApplicationId::new(3),
        application_epoch: Epoch::new(1),
        user: UserId::new(2),
        user_epoch: Epoch::new(4),
        consent: ConsentId::new(77),
        scopes,
        details: oauth::grant::GrantDetails::default(),
        redirect_digest: Some([5; 32]),
        challenge: None,
        auth_time: NOW,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

fn further(numbers: &[i64]) -> ScopeSet {
    ScopeSet::from_parts(1, numbers.iter().copied().map(ScopeId::new))
}

#[test]
fn built_in_scopes_are_written_as_before() {
    for (bits, bytes) in ACCESS_TOKENS {
        assert_eq!(hex(&access_token(&token(ScopeSet::from_bits(bits)))), bytes, "bits {bits}");
    }
    for (bits, bytes) in CODES {
        assert_eq!(hex(&code(&code_with(ScopeSet::from_bits(bits)))), bytes, "bits {bits}");
    }
}

#[test]
fn what_was_sealed_before_opens() {
    let vault = vault();
    let all = ScopeSet::from_bits(7);
    assert_eq!(vault.open_access_token(SEALED_TOKEN), Ok(token(all.clone())));
    assert_eq!(vault.open_code(SEALED_CODE), Ok(code_with(all)));
}

#[test]
fn further_scopes_follow_the_bits_in_the_second_version() {
    let bytes = access_token(&token(further(&[100, 101, 4_000_000])));
    let before = ACCESS_TOKENS[0].1;
    let start = before.len() - "0201880e00".len();
    let distances = ["06", "c801", "02", "b6a2e803"].concat();
    let expected = format!("02{}02{distances}{}", &before[2..start], "01880e00");
    assert_eq!(hex(&bytes), expected);
}

#[test]
fn as_many_scopes_as_an_application_may_have_open() {
    let numbers: Vec<i64> = (1..).map(|step| i64::MAX / 64 * step).take(MOST_SCOPES_OF_APPLICATION).collect();
    let token = AccessToken { expires_at: Timestamp::from_micros(i64::MIN), ..token(further(&numbers)) };
    assert_eq!(read_access_token(&access_token(&token)), Ok(token));
    let realistic: Vec<i64> = (0..50).map(|step| 1_000_000 + step * 1_000).collect();
    let (vault, code) = (vault(), code_with(further(&realistic)));
    let text = vault.seal_code(&code).unwrap();
    assert_eq!(vault.open_code(text.expose()), Ok(code));
}

/// A reader accepts only what a writer would have written.
#[test]
fn a_set_of_scopes_has_one_encoding() {
    let read = |distances: &[i64]| {
        let mut writer = Writer::of_version(VERSION_WITH_FURTHER_SCOPES);
        writer.number(1);
        for distance in distances {
            writer.number(*distance);
        }
        let mut reader = PayloadReader::new(&writer.0)?;
        let scopes = reader.scopes()?;
        reader.end(scopes)
    };
    assert_eq!(read(&[2, 100, 1]), Ok(further(&[100, 101])));
    for refused in [
        &[][..],
        &[0],
        &[1],
        &[-1, 100],
        &[2, 100, 0],
        &[2, 100, -1],
        &[1, 2],
        &[1, 100, 1],
        &[2, i64::MAX, 1],
        &[51, 100],
        &[i64::MAX, 100],
    ] {
        assert_eq!(read(refused), Err(Unsealed), "{refused:?}");
    }
}

#[test]
fn the_details_of_an_access_token_come_back() {
    let resources = vec!["https://gate.example/api/odata4/ships".to_owned()];
    let details = AccessTokenDetails::limited_to(resources);
    for scopes in [ScopeSet::from_bits(1), further(&[100, 200])] {
        let sent = AccessToken { details: details.clone(), ..token(scopes) };
        let bytes = access_token(&sent);
        assert_eq!(bytes[0], 3);
        assert_eq!(read_access_token(&bytes).unwrap(), sent);
        for end in 0..bytes.len() {
            assert!(read_access_token(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn the_details_of_a_code_come_back() {
    let details = GrantDetails {
        resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
        ..GrantDetails::default()
    };
    for scopes in [ScopeSet::from_bits(1), further(&[100, 200])] {
        let sent = AuthorizationCode { details: details.clone(), ..code_with(scopes) };
        let bytes = code(&sent);
        assert_eq!(bytes[0], 3);
        assert_eq!(read_code(&bytes).unwrap(), sent);
        for end in 0..bytes.len() {
            assert!(read_code(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

//! Prints the cost of sealing, opening and digesting on this machine.
//!
//! Run it with `cargo run --release -p vault --example cost`. Each figure is the fastest of many short
//! rounds, so that other load on the machine hardly affects it.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, SessionId, UserId};
use domain::secret::{Password, PasswordHash};
use domain::time::Timestamp;
use oauth::scope::BuiltInScope;
use oauth::signing::{JwtType, SigningAlgorithm};
use oauth::token_payload::{AccessToken, AuthorizationCode, RefreshToken};
use vault::{HashingSettings, MasterKey, SystemEntropy, Vault};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const CALLS_PER_ROUND: u32 = 500;
const ROUNDS: u32 = 400;

fn main() {
    let master = MasterKey::generate(&SystemEntropy);
    let vault =
        Vault::open(&master, &[], Arc::new(SystemEntropy), HashingSettings::owasp(1)).expect("no keys yet");
    let keys: Vec<_> = (1..=4).map(|id| vault.new_ring_key(id, NOW, NOW.minus_secs(1))).collect();
    vault.replace_ring(&keys).expect("the keys are this vault's own");

    tokens(&vault);
    signatures(&vault);
    secrets(&vault);
    passwords();
}

fn tokens(vault: &Vault) {
    let access = AccessToken {
        id: vault.new_token_id(NOW),
        expires_at: NOW.plus_secs(3600),
        application: ApplicationId::new(1_234),
        application_epoch: Epoch::new(3),
        user: UserId::new(98_765),
        user_epoch: Epoch::new(2),
        grant: Some(GrantId::new(10_000_000)),
        scopes: BuiltInScope::OData.into(),
        binding: None,
        details: oauth::grant::AccessTokenDetails::default(),
    };
    let refresh = RefreshToken { grant: GrantId::new(10_000_000), generation: 7 };
    let code = AuthorizationCode {
        id: CodeId::compose(NOW, [5; 8]),
        expires_at: NOW.plus_secs(60),
        application: access.application,
        application_epoch: access.application_epoch,
        user: access.user,
        user_epoch: access.user_epoch,
        consent: ConsentId::new(77),
        scopes: access.scopes.clone(),
        redirect_digest: Some([1; 32]),
        challenge: Some([2; 32]),
        auth_time: NOW.minus_secs(30),
        details: oauth::grant::GrantDetails::default(),
    };
    let access_text = vault.seal_access_token(&access).expect("a key is active");
    let refresh_text = vault.seal_refresh_token(refresh, 4).expect("the key is there");
    let code_text = vault.seal_code(&code).expect("a key is active");

    report("new_token_id", || vault.new_token_id(NOW));
    report("seal_access_token", || vault.seal_access_token(&access));
    report("open_access_token", || vault.open_access_token(access_text.expose()));
    report("seal_refresh_token", || vault.seal_refresh_token(refresh, 4));
    report("open_refresh_token", || vault.open_refresh_token(refresh_text.expose()));
    report("seal_code", || vault.seal_code(&code));
    report("open_code", || vault.open_code(code_text.expose()));
    let kept = access_text.expose().len() - 8;
    let forged = format!("{}AAAAAAAA", &access_text.expose()[..kept]);
    report("refuse a forged token", || vault.open_access_token(&forged));
    let sizes = [access_text.expose().len(), refresh_text.expose().len(), code_text.expose().len()];
    println!("characters: access token {}, refresh token {}, code {}", sizes[0], sizes[1], sizes[2]);
}

fn signatures(vault: &Vault) {
    let keys = SigningAlgorithm::ALL
        .into_iter()
        .zip(1..)
        .map(|(algorithm, id)| vault.new_signing_key(id, algorithm, NOW.minus_secs(1)).expect("randomness"));
    vault.replace_signing_keys(&keys.collect::<Vec<_>>()).expect("the keys are this vault's own");
    let claims = [b'a'; 450];
    for algorithm in SigningAlgorithm::ALL {
        let sign = || vault.sign_jwt(JwtType::AccessToken, algorithm, NOW, &claims).expect("a key");
        let text = sign().expect("randomness").signed().expect("a sealed key");
        report_rounds(&format!("sign with {}", algorithm.as_str()), 10, sign);
        report_rounds(&format!("verify {}", algorithm.as_str()), 10, || {
            vault.verify_own_jwt(JwtType::AccessToken, &text)
        });
    }
}

fn secrets(vault: &Vault) {
    let fresh = vault.new_client_secret();
    let (session, _) = vault.new_session_secret();
    let cookie = vault.session_cookie(SessionId::new(12_345), &session);
    let token = vault.csrf_token(cookie.expose());
    let hash =
        PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA");
    let (user, password) = (UserId::new(5), Password::new("correct horse battery"));
    vault.remember(&hash, user, &password, NOW);

    report("secret_matches", || vault.secret_matches(&fresh.secret, &fresh.digest));
    report("parse_session_cookie", || vault.parse_session_cookie(&cookie));
    report("csrf_is_valid", || vault.csrf_is_valid(cookie.expose(), &token));
    report("remembers", || vault.remembers(&hash, user, &password, NOW));
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn passwords() {
    let fastest = (0..10).map(|_| {
        let began = Instant::now();
        black_box(vault::password::hash(
            &Password::new("correct horse"),
            [7; 16],
            vault::password::Cost::OWASP,
        ));
        began.elapsed()
    });
    let fastest = fastest.min().unwrap_or_default();
    println!("{:<24}{:>10.1} ms", "argon2id", fastest.as_secs_f64() * 1e3);
}

fn report<T>(name: &str, call: impl FnMut() -> T) {
    report_rounds(name, CALLS_PER_ROUND, call);
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn report_rounds<T>(name: &str, calls: u32, mut call: impl FnMut() -> T) {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        fastest = fastest.min(began.elapsed() / calls);
    }
    println!("{name:<24}{:>10} ns", fastest.as_nanos());
}

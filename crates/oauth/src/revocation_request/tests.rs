use super::*;
use crate::refusal::ParameterFault;
use crate::sample::{self, NOW, pairs};

fn token() -> AccessToken {
    let grant = sample::grant();
    AccessToken {
        id: TokenId::compose(NOW, [2; 8]),
        expires_at: NOW.plus_secs(3600),
        application: grant.application,
        application_epoch: grant.application_epoch,
        user: grant.user,
        user_epoch: grant.user_epoch,
        grant: Some(grant.id),
        scopes: grant.scopes,
        binding: None,
        details: crate::grant::AccessTokenDetails::default(),
    }
}

#[test]
fn a_token_must_be_named() {
    let missing = Refusal::Parameter { name: "token", fault: ParameterFault::Missing };
    assert_eq!(parse(&pairs(&[("token_type_hint", "refresh_token")])).unwrap_err(), missing);
    // RFC 7009 §2.1
    let request = pairs(&[("token", "45ghiukldjahdnhzdauz"), ("token_type_hint", "refresh_token")]);
    assert_eq!(parse(&request).unwrap().expose(), "45ghiukldjahdnhzdauz");
}

#[test]
fn an_access_token_is_revoked_alone_and_a_refresh_token_with_its_grant() {
    let (client, token, grant) = (sample::client(|_| {}), token(), sample::grant());
    let ends_token = Effect::RevokeToken { id: token.id, expires_at: token.expires_at };
    assert_eq!(decide(&client, TokenToRevoke::Access(&token), NOW), ends_token);
    assert_eq!(decide(&client, TokenToRevoke::Refresh(&grant), NOW), Effect::RevokeGrant(grant.id));
}

#[test]
fn an_unknown_token_has_no_effect() {
    assert_eq!(decide(&sample::client(|_| {}), TokenToRevoke::Unknown, NOW), Effect::Nothing);
}

#[test]
fn the_token_of_another_client_is_not_revoked() {
    let other = sample::other_client(|_| {});
    assert_eq!(decide(&other, TokenToRevoke::Access(&token()), NOW), Effect::Nothing);
    assert_eq!(decide(&other, TokenToRevoke::Refresh(&sample::grant()), NOW), Effect::Nothing);
}

#[test]
fn an_invalid_token_is_not_revoked_again() {
    let client = sample::client(|_| {});
    assert_eq!(decide(&client, TokenToRevoke::Access(&token()), token().expires_at), Effect::Nothing);
    let revoked = Grant { revoked_at: Some(NOW), ..sample::grant() };
    assert_eq!(decide(&client, TokenToRevoke::Refresh(&revoked), NOW), Effect::Nothing);
}

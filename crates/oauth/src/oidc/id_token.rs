//! ID tokens ([OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::User;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::claims;
use super::claims_request::ClaimsRequest;
use crate::scope::{BuiltInScope, ScopeSet};
use crate::signing::SigningAlgorithm;
use crate::user_authentication::SignInDetails;

/// What an ID token says.
#[derive(Debug, Clone, Copy)]
pub struct IdToken<'a> {
    /// `iss`: the public URL of this server.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `aud`: the client id. There is never a second audience, so there is no `azp`.
    pub client_id: &'a str,
    /// The user.
    pub user: &'a User,
    /// The sign-in.
    pub sign_in: &'a SignInDetails,
    /// `nonce`, unchanged; `None` for a refresh, whose ID token "SHOULD NOT have a `nonce` Claim" ([OpenID Connect Core
    /// §12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
    pub nonce: Option<&'a str>,
    /// `at_hash`; see [`access_token_hash`].
    pub at_hash: &'a str,
    /// The claims that the request named.
    pub request: &'a ClaimsRequest,
    /// The scopes that the application may have.
    pub registered: &'a ScopeSet,
    /// `iat`.
    pub now: Timestamp,
    /// `exp` minus `iat`.
    pub lifetime_secs: i64,
}

/// Whether a response of the token endpoint contains an ID token: if the access has the scope `openid`, and a user signed
/// in for it. The password grant and client credentials give none.
pub fn is_issued(scopes: &ScopeSet, sign_in: Option<&SignInDetails>) -> bool {
    scopes.contains(BuiltInScope::OpenId) && sign_in.is_some()
}

impl IdToken<'_> {
    /// The claims as JSON.
    pub fn claims(&self) -> Vec<u8> {
        let wanted = |claim: &claims::Claim| {
            self.registered.contains(claim.scope())
                && self.request.id_token.iter().any(|name| name == claim.name())
        };
        let mut claims: Map<String, Value> = claims::requested(self.user, wanted);
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iss", self.issuer.into());
        set("sub", self.subject.into());
        set("aud", self.client_id.into());
        set("exp", self.now.plus_secs(self.lifetime_secs).as_secs().into());
        set("iat", self.now.as_secs().into());
        set("auth_time", self.sign_in.auth_time.into());
        set("acr", self.sign_in.acr().into());
        set("amr", json!(self.sign_in.amr()));
        set("at_hash", self.at_hash.into());
        if let Some(nonce) = self.nonce {
            set("nonce", nonce.into());
        }
        if let Some(sid) = &self.sign_in.sid {
            set("sid", sid.as_str().into());
        }
        Value::Object(claims).to_string().into_bytes()
    }
}

/// The digest under `at_hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFunction {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// "the hash algorithm used is the hash algorithm used in the `alg` Header Parameter of the ID Token's JOSE Header" ([OpenID
/// Connect Core §3.1.3.6](https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken)). Ed25519 uses SHA-512.
pub const fn hash_function(algorithm: SigningAlgorithm) -> HashFunction {
    match algorithm {
        SigningAlgorithm::EdDsa => HashFunction::Sha512,
        SigningAlgorithm::Es256 | SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => HashFunction::Sha256,
    }
}

/// "the base64url encoding of the left-most half of the hash of the octets of the ASCII representation of the `access_token`
/// value".
pub fn access_token_hash(digest: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, NOW};
    use domain::account::attributes::UserAttributes;

    fn claims_of(change: impl FnOnce(&mut IdToken<'_>)) -> Value {
        let attributes = UserAttributes::from_json(Some(r#"{"email":"ada@example.com"}"#)).unwrap();
        let user = User { attributes: Some(Box::new(attributes)), ..sample::user(4) };
        let request = ClaimsRequest { id_token: vec!["email".to_owned()], ..ClaimsRequest::default() };
        let sign_in =
            SignInDetails { auth_time: NOW.as_secs() - 60, sid: Some("s1".to_owned()), second_factor: false };
        let registered = BuiltInScope::ALL.into_iter().collect();
        let mut token = IdToken {
            issuer: "https://gate.example",
            subject: "sub",
            client_id: sample::CLIENT_ID,
            user: &user,
            sign_in: &sign_in,
            nonce: Some("n-0S6_WzA2Mj"),
            at_hash: "hash",
            request: &request,
            registered: &registered,
            now: NOW,
            lifetime_secs: 600,
        };
        change(&mut token);
        serde_json::from_slice(&token.claims()).unwrap()
    }

    #[test]
    fn an_id_token_has_every_required_claim() {
        let claims = claims_of(|_| {});
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("https://gate.example"), &json!("sub")));
        assert_eq!(claims["aud"], sample::CLIENT_ID);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW.as_secs()), &json!(NOW.as_secs() + 600)));
        assert_eq!(claims["auth_time"], NOW.as_secs() - 60);
        assert_eq!((&claims["nonce"], &claims["sid"]), (&json!("n-0S6_WzA2Mj"), &json!("s1")));
        assert_eq!((&claims["amr"], &claims["at_hash"]), (&json!(["pwd"]), &json!("hash")));
        assert!(claims["acr"].as_str().unwrap().starts_with("urn:") && claims.get("azp").is_none());
    }

    #[test]
    fn claims_about_the_person_are_there_only_if_the_request_named_them() {
        assert_eq!(claims_of(|_| {})["email"], "ada@example.com");
        let none = ClaimsRequest::default();
        assert_eq!(claims_of(|token| token.request = Box::leak(Box::new(none))).get("email"), None);
    }

    #[test]
    fn a_request_cannot_name_a_claim_that_the_application_may_not_have() {
        let only = BuiltInScope::OpenId.into();
        assert_eq!(claims_of(|token| token.registered = Box::leak(Box::new(only))).get("email"), None);
    }

    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_specification() {
        // OpenID Connect Core appendix A.3: the SHA-256 digest of the access token there, and its at_hash.
        let digest = [
            0xef, 0xb4, 0x26, 0x50, 0xfb, 0x63, 0x3d, 0xfc, 0xd6, 0xb4, 0x5d, 0x80, 0x9e, 0x92, 0xbd, 0x45,
            0x6a, 0x57, 0xad, 0x69, 0x6b, 0x79, 0xc7, 0x5b, 0x2d, 0x4c, 0x89, 0x0c, 0x86, 0xfb, 0x4b, 0xa4,
        ];
        assert_eq!(access_token_hash(&digest), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(access_token_hash(&[1; 64]).len(), 43, "half of SHA-512");
    }

    #[test]
    fn only_a_sign_in_with_openid_gives_an_id_token() {
        let sign_in = SignInDetails { auth_time: 1, sid: None, second_factor: false };
        let (openid, odata) = (BuiltInScope::OpenId.into(), BuiltInScope::OData.into());
        assert!(is_issued(&openid, Some(&sign_in)));
        assert!(!is_issued(&odata, Some(&sign_in)));
        assert!(!is_issued(&openid, None));
    }
}

//! The key of a client, which signs proofs ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)) and assertions ([RFC
//! 7523](https://www.rfc-editor.org/rfc/rfc7523)).

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::TestServer;

/// An Ed25519 key of a client.
#[derive(Debug)]
pub struct ClientKey {
    pair: Ed25519KeyPair,
    proofs: AtomicU64,
}

impl ClientKey {
    /// The key that this byte determines.
    ///
    /// # Panics
    /// Never: 32 bytes are a seed.
    pub fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed");
        Self { pair, proofs: AtomicU64::new(0) }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(self.pair.public_key()) })
    }

    /// The thumbprint of the key, as in `jkt`.
    pub fn thumbprint(&self) -> String {
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encoded(self.pair.public_key()));
        encoded(digest(&SHA256, members.as_bytes()))
    }

    /// The claims of a new proof for a request without an access token.
    pub fn claims(&self, server: &TestServer, method: &str, path: &str) -> Value {
        let id = self.proofs.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}{path}", server.app().node().settings().public_url);
        json!({ "jti": format!("proof-{id}"), "htm": method, "htu": url, "iat": server.app().node().now().as_secs() })
    }

    /// A new proof for a request without an access token.
    pub fn proof(&self, server: &TestServer, method: &str, path: &str) -> String {
        self.sign(&self.claims(server, method, path))
    }

    /// The claims of a new proof for a request with this access token.
    pub fn claims_with(&self, server: &TestServer, method: &str, path: &str, token: &str) -> Value {
        let mut claims = self.claims(server, method, path);
        claims["ath"] = json!(encoded(digest(&SHA256, token.as_bytes())));
        claims
    }

    /// A new proof for a request with this access token.
    pub fn proof_with(&self, server: &TestServer, method: &str, path: &str, token: &str) -> String {
        self.sign(&self.claims_with(server, method, path, token))
    }

    /// A new proof for a request with this access token, with a nonce of the server.
    pub fn proof_with_nonce(
        &self,
        server: &TestServer,
        method: &str,
        path: &str,
        token: &str,
        nonce: &str,
    ) -> String {
        let mut claims = self.claims_with(server, method, path, token);
        claims["nonce"] = json!(nonce);
        self.sign(&claims)
    }

    /// A proof with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk() });
        self.sign_with_header(&header, claims)
    }

    /// A signed text with this header and these claims.
    pub fn sign_with_header(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header, &claims.to_string())
    }

    /// A signed text with this header and this payload.
    pub fn sign_text(&self, header: &Value, payload: &str) -> String {
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(payload));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", encoded(signature))
    }
}

/// A text with this header and these claims, authenticated with HMAC and SHA-256 by a secret.
pub fn hmac_jwt(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", encoded(tag))
}

/// The SHA-256 digest of a body as in the claim `content_digest` of a proof.
pub fn content_digest(body: impl AsRef<[u8]>) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body.as_ref())))
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

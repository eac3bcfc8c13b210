//! A client that proves with each request that it holds a key ([RFC
//! 9449](https://www.rfc-editor.org/rfc/rfc9449)). Its key is of P-256, as most clients have it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};

use crate::call::{self, Call};

/// The header of a proof ([RFC 9449 §4.1](https://www.rfc-editor.org/rfc/rfc9449#section-4.1)).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The key, and the number of its next proof.
pub(crate) struct Prover {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    header: String,
    origin: String,
    next: Cell<u64>,
}

impl Prover {
    /// A new key, for requests to the server at this address.
    pub(crate) fn new(server: SocketAddr) -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = pair.map_err(|_| anyhow!("cannot generate a key"))?;
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)});
        let header = encoded(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}).to_string());
        let origin = format!("http://{server}");
        Ok(Self { pair, random: SystemRandom::new(), header, origin, next: Cell::new(0) })
    }

    /// The request with a new proof. If it has an access token, that is presented as bound to the key.
    pub(crate) fn prove(&self, call: &Call) -> Result<Call> {
        let number = self.next.replace(self.next.get() + 1);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let url = format!("{}{}", self.origin, call.uri().path());
        let mut claims =
            json!({"jti": number.to_string(), "htm": call.method().as_str(), "htu": url, "iat": now});
        let token = call.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) else {
            return call::with_header(call.clone(), DPOP, &self.sign(&claims)?);
        };
        claims["ath"] = encoded(digest(&SHA256, token.as_bytes())).into();
        let proved = call::with_header(call.clone(), DPOP, &self.sign(&claims)?)?;
        call::with_header(proved, AUTHORIZATION, &format!("DPoP {token}"))
    }

    fn sign(&self, claims: &Value) -> Result<String> {
        let signed = format!("{}.{}", self.header, encoded(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes());
        let signature = signature.ok().context("cannot sign a proof")?;
        Ok(format!("{signed}.{}", encoded(signature)))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

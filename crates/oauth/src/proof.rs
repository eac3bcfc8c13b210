//! Proof of possession: the key or certificate that a request shows besides a token or a credential.
//!
//! A token may be bound to a key ([RFC 9449 §6](https://www.rfc-editor.org/rfc/rfc9449#section-6)) or to a certificate
//! ([RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)). Whoever presents it must then prove that they
//! hold the key; without the proof it is as invalid as a forged one.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The facts of a request that a proof covers. All endpoints that accept a proof receive this value.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path, without a query.
    pub path: &'a str,
    /// The `DPoP` header.
    pub dpop: DpopHeader<'a>,
    /// The certificate that the client presented in TLS, if it did.
    pub certificate: Option<&'a PresentedCertificate>,
    /// The SHA-256 digest of the body if a proof may name it, otherwise [`NO_CONTENT`].
    pub content_digest: &'a [u8; 32],
}

/// The SHA-256 digest of an empty body.
pub const NO_CONTENT: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

impl RequestFacts<'_> {
    /// The URL that a proof names, without query and fragment ([RFC 9449
    /// §4.2](https://www.rfc-editor.org/rfc/rfc9449#section-4.2), `htu`). `public_url` is the URL of the server, without a
    /// trailing slash.
    pub fn url(&self, public_url: &str) -> String {
        format!("{public_url}{}", self.path)
    }
}

/// The `DPoP` header of a request. It must not be repeated ([RFC 9449
/// §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpopHeader<'a> {
    /// There is none.
    None,
    /// There is one, which is not verified.
    One(&'a [u8]),
    /// There are several.
    Several,
}

/// The SHA-256 thumbprint of a public key ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)) or of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the text in base64url without padding; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("it is no thumbprint"))
    }
}

/// In base64url, as in `jkt` and `x5t#S256`.
impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

/// The certificates that a client presented in TLS, none of which is verified. The client has proved that it holds the
/// private key of the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCertificate {
    thumbprint: Thumbprint,
    chain: Vec<Vec<u8>>,
}

impl PresentedCertificate {
    /// The most certificates of a chain that are read.
    pub const MOST: usize = 10;

    /// A chain in DER with the client's own certificate first, and the SHA-256 digest of that one; `None` if the chain
    /// is empty or longer than [`Self::MOST`].
    pub fn new(thumbprint: Thumbprint, chain: Vec<Vec<u8>>) -> Option<Self> {
        (1..=Self::MOST).contains(&chain.len()).then_some(Self { thumbprint, chain })
    }

    /// The SHA-256 digest of the client's own certificate, `x5t#S256`.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The client's own certificate in DER.
    pub fn own(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The other certificates in DER.
    pub fn intermediates(&self) -> &[Vec<u8>] {
        &self.chain[1..]
    }
}

/// What the sender of a token must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBinding {
    /// The private key of a `DPoP` proof.
    Key(Thumbprint),
    /// The private key of a TLS certificate.
    Certificate(Thumbprint),
}

impl KeyBinding {
    /// The member of `cnf` that names it, with its value ([RFC 7800
    /// §3.1](https://www.rfc-editor.org/rfc/rfc7800#section-3.1)).
    pub const fn confirmation(self) -> (&'static str, Thumbprint) {
        match self {
            Self::Key(thumbprint) => ("jkt", thumbprint),
            Self::Certificate(thumbprint) => ("x5t#S256", thumbprint),
        }
    }
}

/// The type of an access token ([RFC 6749 §7.1](https://www.rfc-editor.org/rfc/rfc6749#section-7.1)), which tells the
/// client how to present it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750); also a token that is bound to a certificate ([RFC 8705
    /// §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)).
    Bearer,
    /// [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1).
    Dpop,
}

impl TokenType {
    /// The type of a token with this binding.
    pub const fn of(binding: Option<KeyBinding>) -> Self {
        match binding {
            None | Some(KeyBinding::Certificate(_)) => Self::Bearer,
            Some(KeyBinding::Key(_)) => Self::Dpop,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// An access token as presented in a request, which is not verified.
#[derive(Debug, Clone, Copy)]
pub struct PresentedToken<'a> {
    /// The scheme of the `Authorization` header.
    pub scheme: TokenType,
    /// The text.
    pub text: &'a str,
}

/// Whether a token with this binding may be presented as a bearer token with this request: "the protected resource
/// MUST check that the certificate matches" ([RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)), and a
/// token that is bound to a key is not a bearer token ([RFC 9449
/// §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)).
pub fn may_be_a_bearer_token(binding: Option<KeyBinding>, facts: &RequestFacts<'_>) -> bool {
    match binding {
        None => true,
        Some(KeyBinding::Certificate(bound)) => {
            facts.certificate.is_some_and(|certificate| certificate.thumbprint() == bound)
        }
        Some(KeyBinding::Key(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Thumbprint = Thumbprint::from_bytes([1; 32]);
    const OTHER: Thumbprint = Thumbprint::from_bytes([2; 32]);

    fn facts(certificate: Option<&PresentedCertificate>) -> RequestFacts<'_> {
        RequestFacts {
            method: "GET",
            path: "/api/odata4/",
            dpop: DpopHeader::None,
            certificate,
            content_digest: &NO_CONTENT,
        }
    }

    #[test]
    fn a_bound_token_needs_proof_of_its_key() {
        for (binding, certificate, may) in [
            (None, None, true),
            (None, Some(ONE), true),
            (Some(KeyBinding::Certificate(ONE)), Some(ONE), true),
            (Some(KeyBinding::Certificate(ONE)), Some(OTHER), false),
            (Some(KeyBinding::Certificate(ONE)), None, false),
            (Some(KeyBinding::Key(ONE)), None, false),
            (Some(KeyBinding::Key(ONE)), Some(ONE), false),
        ] {
            let presented = certificate
                .and_then(|digest: Thumbprint| PresentedCertificate::new(digest, vec![Vec::new()]));
            let said = may_be_a_bearer_token(binding, &facts(presented.as_ref()));
            assert_eq!(said, may, "{binding:?} with {certificate:?}");
        }
    }

    #[test]
    fn the_binding_decides_the_type_of_a_token() {
        assert_eq!(TokenType::of(None).as_str(), "Bearer");
        assert_eq!(TokenType::of(Some(KeyBinding::Certificate(ONE))).as_str(), "Bearer");
        assert_eq!(TokenType::of(Some(KeyBinding::Key(ONE))).as_str(), "DPoP");
    }

    #[test]
    fn a_chain_has_a_bounded_number_of_certificates() {
        let digest = Thumbprint::from_bytes([1; 32]);
        for (length, accepted) in [(0, false), (1, true), (10, true), (11, false)] {
            let chain = vec![vec![0]; length];
            assert_eq!(PresentedCertificate::new(digest, chain).is_some(), accepted, "{length}");
        }
    }

    #[test]
    fn a_proof_names_the_url_without_its_query() {
        assert_eq!(facts(None).url("https://data.example.com"), "https://data.example.com/api/odata4/");
    }

    #[test]
    fn a_thumbprint_is_abbreviated_in_debug_output() {
        assert_eq!(format!("{ONE:?}"), "01010101…");
    }
}

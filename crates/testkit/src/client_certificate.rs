//! Certificates of clients ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)), valid from 2020 to 2099.

use std::sync::Arc;

use app::node::client_certificates::{ClientAuthorities, presented};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

macro_rules! pem {
    ($file:literal) => {
        include_bytes!(concat!("../certificates/clients/", $file))
    };
}

/// A certificate of a client in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCertificate {
    /// Issued by the authority, for `C=DE,O=Harbour,CN=crane 7` with alternative names of each kind.
    Crane,
    /// Issued by the authority, for another subject.
    Pilot,
    /// Like [`Self::Crane`], and issued by nobody.
    SelfSigned,
}

impl TestCertificate {
    /// The authority that issues certificates of clients, in PEM.
    pub const AUTHORITY: &[u8] = pem!("authority.pem");

    /// The same authority, parsed.
    ///
    /// # Panics
    /// Never.
    pub fn authorities() -> ClientAuthorities {
        ClientAuthorities::from_pem(Self::AUTHORITY).expect("an authority")
    }

    /// The certificate in PEM.
    pub fn pem(self) -> &'static [u8] {
        match self {
            Self::Crane => pem!("crane.pem"),
            Self::Pilot => pem!("pilot.pem"),
            Self::SelfSigned => pem!("self-signed.pem"),
        }
    }

    /// Its private key in PEM.
    pub fn key(self) -> &'static [u8] {
        match self {
            Self::Crane => pem!("crane.key"),
            Self::Pilot => pem!("pilot.key"),
            Self::SelfSigned => pem!("self-signed.key"),
        }
    }

    /// The certificate in DER.
    ///
    /// # Panics
    /// Never.
    pub fn der(self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem()).expect("a certificate")
    }

    /// The certificate as a connection presents it.
    ///
    /// # Panics
    /// Never.
    pub fn presented(self) -> web::ClientCertificate {
        let chain = vec![self.der().to_vec()];
        web::ClientCertificate(Arc::new(presented(chain).expect("one certificate")))
    }

    /// `x5t#S256`.
    pub fn thumbprint(self) -> String {
        self.presented().0.thumbprint().to_string()
    }

    /// The value of `Client-Cert` ([RFC 9440](https://www.rfc-editor.org/rfc/rfc9440)).
    pub fn header(self) -> String {
        format!(":{}:", STANDARD.encode(self.der()))
    }

    /// A key set that contains the certificate.
    ///
    /// # Panics
    /// Never: the key is on P-256.
    pub fn jwks(self) -> Value {
        // The point is at the end of the public key, which the certificate contains once.
        let der = self.der();
        let prefix = [0x03, 0x42, 0x00, 0x04];
        let at = der.windows(4).position(|bytes| bytes == prefix).expect("a key on P-256") + prefix.len();
        let encoded =
            |from: usize| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&der[from..from + 32]);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "x": encoded(at), "y": encoded(at + 32), "x5c": [STANDARD.encode(&der)],
        }] })
    }
}

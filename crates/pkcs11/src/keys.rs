//! The keys of a token, and their signatures.

use cryptoki::error::Error;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use oauth::jwt::Object;
use oauth::signing::SigningAlgorithm;
use signer::protocol::{MOST_KEYS, SignerRefusalReason};
use signer::server::KeyHolder;
use signer::{ListedKey, SignerRefusal};
use vault::jose::PublicKey;

use crate::forms;
use crate::token::{Token, TokenError};

/// The size of a SHA-256 digest, which is also the length of the salt of PS256.
const DIGEST_BYTES: std::ffi::c_ulong = 32;

/// The keys of a token, for one connection. They are found again when a request names an unknown one.
#[derive(Debug)]
pub struct TokenKeys<'a> {
    token: &'a Token,
    session: Option<Session>,
    found: Vec<FoundKey>,
}

#[derive(Debug)]
struct FoundKey {
    listed: ListedKey,
    algorithm: SigningAlgorithm,
    private: ObjectHandle,
}

/// Why there is no signature.
enum Failure {
    UnknownKey,
    Token(TokenError),
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Token(error.into())
    }
}

impl<'a> TokenKeys<'a> {
    /// The keys of this token. Nothing is opened yet.
    pub fn of(token: &'a Token) -> Self {
        Self { token, session: None, found: Vec::new() }
    }

    fn session(&mut self) -> Result<&Session, TokenError> {
        match self.session.take() {
            Some(session) => Ok(self.session.insert(session)),
            None => Ok(self.session.insert(self.token.session()?)),
        }
    }

    fn find_keys(&mut self) -> Result<(), TokenError> {
        let session = self.session()?;
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Sign(true)];
        let mut found = Vec::new();
        for private in session.find_objects(&template)?.into_iter().take(MOST_KEYS) {
            found.extend(found_key(session, private)?);
        }
        self.found = found;
        Ok(())
    }

    fn try_to_sign(
        &mut self,
        key: &str,
        algorithm: SigningAlgorithm,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let is_wanted = |found: &FoundKey| found.listed.id == key && found.algorithm == algorithm;
        if !self.found.iter().any(is_wanted) {
            self.find_keys()?;
        }
        let private = self.found.iter().find(|found| is_wanted(found)).ok_or(Failure::UnknownKey)?.private;
        Ok(sign(self.session()?, private, algorithm, bytes)?)
    }

    /// Runs the operation, and once more in a new session if the token fails: a device may have been plugged in again.
    fn twice<T>(&mut self, operation: impl Fn(&mut Self) -> Result<T, Failure>) -> Result<T, SignerRefusal> {
        let mut attempt = operation(self);
        if let Err(Failure::Token(_)) = attempt {
            self.session = None;
            self.found.clear();
            attempt = operation(self);
        }
        attempt.map_err(|failure| match failure {
            Failure::UnknownKey => SignerRefusal::new(SignerRefusalReason::UnknownKey, "no such key"),
            Failure::Token(error) => {
                tracing::warn!(%error, "the token failed");
                SignerRefusal::new(SignerRefusalReason::Unavailable, error.to_string())
            }
        })
    }
}

impl KeyHolder for TokenKeys<'_> {
    fn list(&mut self) -> Result<Vec<ListedKey>, SignerRefusal> {
        self.twice(|keys| {
            keys.find_keys()?;
            Ok(keys.found.iter().map(|found| found.listed.clone()).collect())
        })
    }

    fn sign(
        &mut self,
        key: &str,
        algorithm: SigningAlgorithm,
        bytes: &[u8],
    ) -> Result<Vec<u8>, SignerRefusal> {
        self.twice(|keys| keys.try_to_sign(key, algorithm, bytes))
    }
}

/// A private key, if there is an algorithm for it and its public half is known.
fn found_key(session: &Session, private: ObjectHandle) -> Result<Option<FoundKey>, Error> {
    let own = Attributes::of(session, private)?;
    let public = match (&own.key_type, &own.id) {
        // An RSA key contains its public half.
        (Some(KeyType::RSA), _) if own.modulus.is_some() && own.exponent.is_some() => None,
        (Some(kind), Some(id)) => public_half(session, *kind, id)?,
        _ => None,
    };
    let Some((algorithm, jwk)) = described(&own, public.as_ref().unwrap_or(&own)) else { return Ok(None) };
    // The thumbprint names a key as others see it, whatever the module calls it.
    let Ok(key) = PublicKey::parse(&jwk) else { return Ok(None) };
    let listed =
        ListedKey { id: key.thumbprint().to_string(), algorithm: algorithm.as_str().to_owned(), jwk };
    Ok(Some(FoundKey { listed, algorithm, private }))
}

fn public_half(session: &Session, kind: KeyType, id: &[u8]) -> Result<Option<Attributes>, Error> {
    let template =
        [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(kind), Attribute::Id(id.to_owned())];
    let found = session.find_objects(&template)?;
    found.first().map(|public| Attributes::of(session, *public)).transpose()
}

/// The algorithm of a key, and its public half as a JSON Web Key.
fn described(own: &Attributes, public: &Attributes) -> Option<(SigningAlgorithm, Object)> {
    match own.key_type? {
        KeyType::RSA => {
            // A key is for one algorithm only, and a key of PKCS #11 does not name it.
            let is_pss = own.label.as_deref().is_some_and(|label| label.contains("PS256"));
            let algorithm = if is_pss { SigningAlgorithm::Ps256 } else { SigningAlgorithm::Rs256 };
            Some((algorithm, forms::rsa(public.modulus.as_ref()?, public.exponent.as_ref()?)))
        }
        KeyType::EC if public.curve.as_deref() == Some(&forms::P256) => {
            Some((SigningAlgorithm::Es256, forms::p256(public.point.as_ref()?)?))
        }
        KeyType::EC_EDWARDS => Some((SigningAlgorithm::EdDsa, forms::ed25519(public.point.as_ref()?)?)),
        _ => None,
    }
}

/// What is read of a key.
#[derive(Debug, Default)]
struct Attributes {
    key_type: Option<KeyType>,
    id: Option<Vec<u8>>,
    label: Option<String>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    curve: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
}

impl Attributes {
    fn of(session: &Session, key: ObjectHandle) -> Result<Self, Error> {
        let mut read = Self::default();
        for attribute in session.get_attributes(
            key,
            &[
                AttributeType::KeyType,
                AttributeType::Id,
                AttributeType::Label,
                AttributeType::Modulus,
                AttributeType::PublicExponent,
                AttributeType::EcParams,
                AttributeType::EcPoint,
            ],
        )? {
            match attribute {
                Attribute::KeyType(kind) => read.key_type = Some(kind),
                Attribute::Id(id) => read.id = Some(id),
                Attribute::Label(label) => read.label = Some(String::from_utf8_lossy(&label).into_owned()),
                Attribute::Modulus(modulus) => read.modulus = Some(modulus).filter(|bytes| !bytes.is_empty()),
                Attribute::PublicExponent(exponent) => {
                    read.exponent = Some(exponent).filter(|bytes| !bytes.is_empty());
                }
                Attribute::EcParams(curve) => read.curve = Some(curve),
                Attribute::EcPoint(point) => read.point = Some(point),
                _ => {}
            }
        }
        Ok(read)
    }
}

fn sign(
    session: &Session,
    private: ObjectHandle,
    algorithm: SigningAlgorithm,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    match algorithm {
        // Not every module hashes for ECDSA.
        SigningAlgorithm::Es256 => {
            let signature = session.sign(&Mechanism::Ecdsa, private, &vault::sha256(bytes))?;
            forms::ecdsa(&signature).ok_or(Error::InvalidValue)
        }
        SigningAlgorithm::EdDsa => {
            let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
            session.sign(&mechanism, private, bytes)
        }
        SigningAlgorithm::Rs256 => session.sign(&Mechanism::Sha256RsaPkcs, private, bytes),
        SigningAlgorithm::Ps256 => {
            let parameters = PkcsPssParams {
                hash_alg: MechanismType::SHA256,
                mgf: PkcsMgfType::MGF1_SHA256,
                s_len: DIGEST_BYTES.into(),
            };
            session.sign(&Mechanism::Sha256RsaPkcsPss(parameters), private, bytes)
        }
    }
}

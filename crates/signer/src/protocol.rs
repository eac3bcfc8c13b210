//! The messages, as JSON objects. Members that are not named here are ignored.

use oauth::jwt::Object;
use oauth::signing::SigningAlgorithm;
use serde::{Deserialize, Serialize};

/// The version of the protocol, which every message names.
pub const VERSION: u32 = 1;

/// The maximum number of keys in a list.
pub const MOST_KEYS: usize = 64;

/// The maximum number of bytes in the id of a key.
pub const LONGEST_ID: usize = 256;

/// A question of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum SignerRequest {
    /// Which keys are there.
    List,
    /// A signature.
    Sign {
        /// The id of the key, as it was listed.
        key: String,
        /// The algorithm, as it was listed.
        algorithm: SigningAlgorithm,
        /// What is signed.
        #[serde(with = "base64url")]
        bytes: Vec<u8>,
    },
}

/// An answer of the signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum SignerResponse {
    /// The keys.
    Keys {
        /// Each of them.
        keys: Vec<ListedKey>,
    },
    /// The signature, in the form of a JSON Web Signature ([RFC 7518
    /// §3](https://www.rfc-editor.org/rfc/rfc7518#section-3)).
    Signature {
        /// Its bytes.
        #[serde(with = "base64url")]
        signature: Vec<u8>,
    },
    /// The question is not answered.
    Error(SignerRefusal),
}

/// A key of the signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKey {
    /// How requests name it.
    pub id: String,
    /// The algorithm of its signatures, such as `ES256`. The server ignores keys of an algorithm that it does not use.
    pub algorithm: String,
    /// The public key as a JSON Web Key.
    pub jwk: Object,
}

/// Why the signer does not answer a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason:?}: {message}")]
pub struct SignerRefusal {
    /// The reason.
    #[serde(rename = "error")]
    pub reason: SignerRefusalReason,
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl SignerRefusal {
    /// A refusal for this reason.
    pub fn new(reason: SignerRefusalReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// The reasons of a [`SignerRefusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerRefusalReason {
    /// The message is not one of this protocol, or of another version.
    BadRequest,
    /// There is no such key with this algorithm.
    UnknownKey,
    /// The keys cannot be reached at present.
    Unavailable,
}

/// Why a text is not a message.
#[derive(Debug, thiserror::Error)]
pub enum MessageFault {
    /// It is not the JSON of a message.
    #[error("the message is malformed")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version.
    #[error("the message is of version {0} of the protocol, not of version {VERSION}")]
    Version(u32),
    /// A list has too many keys, or a key with an id that is too long.
    #[error("the list has too many keys, or too long ids")]
    TooMuch,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    message: T,
}

#[derive(Deserialize)]
struct JustVersion {
    version: u32,
}

fn write<T: Serialize>(message: T) -> Vec<u8> {
    serde_json::to_vec(&Versioned { version: VERSION, message }).expect("it has text keys only")
}

/// The version is read first, because a message of another version may have any form.
fn parse<T: for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, MessageFault> {
    let JustVersion { version } = serde_json::from_slice(text)?;
    if version != VERSION {
        return Err(MessageFault::Version(version));
    }
    Ok(serde_json::from_slice::<Versioned<T>>(text)?.message)
}

impl SignerRequest {
    /// The message.
    pub fn to_message(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageFault`].
    pub fn parse(message: &[u8]) -> Result<Self, MessageFault> {
        parse(message)
    }
}

impl SignerResponse {
    /// The message.
    pub fn to_message(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageFault`].
    pub fn parse(message: &[u8]) -> Result<Self, MessageFault> {
        let response = parse(message)?;
        if let Self::Keys { keys } = &response
            && (keys.len() > MOST_KEYS || keys.iter().any(|key| key.id.len() > LONGEST_ID))
        {
            return Err(MessageFault::TooMuch);
        }
        Ok(response)
    }
}

mod base64url {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(id: &str) -> ListedKey {
        let jwk = json!({ "kty": "OKP" });
        ListedKey { id: id.to_owned(), algorithm: "EdDSA".to_owned(), jwk: jwk.as_object().unwrap().clone() }
    }

    /// The examples of `docs/external-signing.md`.
    #[test]
    fn messages_have_the_documented_form() {
        let sign = SignerRequest::Sign {
            key: "k1".to_owned(),
            algorithm: SigningAlgorithm::Es256,
            bytes: vec![0, 255],
        };
        for (request, expected) in [
            (SignerRequest::List, json!({"version": 1, "request": "list"})),
            (
                sign,
                json!({"version": 1, "request": "sign", "key": "k1", "algorithm": "ES256", "bytes": "AP8"}),
            ),
        ] {
            let message = request.to_message();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&message).unwrap(), expected);
            assert_eq!(SignerRequest::parse(&message).unwrap(), request);
        }
        let refusal = SignerRefusal::new(SignerRefusalReason::UnknownKey, "no such key");
        let key = json!({"id": "k1", "algorithm": "EdDSA", "jwk": {"kty": "OKP"}});
        for (response, expected) in [
            (
                SignerResponse::Keys { keys: vec![listed("k1")] },
                json!({"version": 1, "response": "keys", "keys": [key]}),
            ),
            (
                SignerResponse::Signature { signature: vec![1] },
                json!({"version": 1, "response": "signature", "signature": "AQ"}),
            ),
            (
                SignerResponse::Error(refusal),
                json!({"version": 1, "response": "error", "error": "unknown_key", "message": "no such key"}),
            ),
        ] {
            let message = response.to_message();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&message).unwrap(), expected);
            assert_eq!(SignerResponse::parse(&message).unwrap(), response);
        }
    }

    #[test]
    fn another_version_is_refused_whatever_its_form_is() {
        let message = br#"{"version":2,"ask":["list"]}"#;
        assert!(matches!(SignerRequest::parse(message), Err(MessageFault::Version(2))));
        assert!(matches!(SignerResponse::parse(message), Err(MessageFault::Version(2))));
    }

    #[test]
    fn members_of_a_later_form_are_ignored_and_malformed_messages_are_refused() {
        let later = br#"{"version":1,"request":"list","newer":true}"#;
        assert_eq!(SignerRequest::parse(later).unwrap(), SignerRequest::List);
        for message in [
            "",
            "{}",
            "[]",
            r#"{"request":"list"}"#,
            r#"{"version":1,"request":"delete"}"#,
            r#"{"version":1,"request":"sign","key":"k","algorithm":"none","bytes":"AQ"}"#,
            r#"{"version":1,"request":"sign","key":"k","algorithm":"ES256","bytes":"A+=="}"#,
        ] {
            assert!(
                matches!(SignerRequest::parse(message.as_bytes()), Err(MessageFault::Malformed(_))),
                "{message}"
            );
        }
    }

    #[test]
    fn a_list_is_bounded() {
        let keys =
            |count: usize, id: &str| SignerResponse::Keys { keys: vec![listed(id); count] }.to_message();
        assert!(SignerResponse::parse(&keys(MOST_KEYS, &"k".repeat(LONGEST_ID))).is_ok());
        for message in [keys(MOST_KEYS + 1, "k"), keys(1, &"k".repeat(LONGEST_ID + 1))] {
            assert!(matches!(SignerResponse::parse(&message), Err(MessageFault::TooMuch)));
        }
    }
}

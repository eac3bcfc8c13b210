//! How a password answers the challenge of a server.

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// The length of a challenge.
pub(super) const CHALLENGE: usize = 20;

/// The methods of signing in that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// SHA-1 of the password and a challenge.
    Native,
    /// SHA-256 of the password and a challenge, if the server has the hash in its cache; otherwise the password itself.
    CachingSha2,
    /// The password itself, for servers that pass it on, to LDAP or PAM for example, or that keep another hash.
    Clear,
}

impl Method {
    /// The method that a server calls by this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"mysql_native_password" => Self::Native,
            b"caching_sha2_password" => Self::CachingSha2,
            b"mysql_clear_password" | b"sha256_password" => Self::Clear,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Clear => "mysql_clear_password",
        }
    }

    /// The answer to a challenge; `None` if the method has none and sends the password itself. The answer of an account
    /// without a password is empty.
    pub(super) fn answer(self, password: &[u8], challenge: &[u8; CHALLENGE]) -> Option<Vec<u8>> {
        if password.is_empty() && self != Self::Clear {
            return Some(Vec::new());
        }
        match self {
            // SHA1(password) XOR SHA1(challenge, SHA1(SHA1(password)))
            Self::Native => {
                let of = |parts: &[&[u8]]| digest(&SHA1_FOR_LEGACY_USE_ONLY, parts);
                let once = of(&[password]);
                Some(xor(&once, &of(&[challenge, &of(&[&once])])))
            }
            // SHA256(password) XOR SHA256(SHA256(SHA256(password)), challenge)
            Self::CachingSha2 => {
                let of = |parts: &[&[u8]]| digest(&SHA256, parts);
                let once = of(&[password]);
                Some(xor(&once, &of(&[&of(&[&once]), challenge])))
            }
            Self::Clear => None,
        }
    }
}

fn digest(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server does: it knows the hash of the hash, takes the inner hash out of the answer, and hashes it.
    fn accepts(
        algorithm: &'static Algorithm,
        challenge_first: bool,
        answer: &[u8],
        challenge: &[u8; CHALLENGE],
    ) -> bool {
        let stored = digest(algorithm, &[&digest(algorithm, &[b"secret"])]);
        let mask = if challenge_first {
            digest(algorithm, &[challenge, &stored])
        } else {
            digest(algorithm, &[&stored, challenge])
        };
        digest(algorithm, &[&xor(answer, &mask)]) == stored
    }

    #[test]
    fn a_server_that_knows_the_hash_accepts_the_answer_to_its_challenge_only() {
        let (challenge, other) = (*b"abcdefghijklmnopqrst", *b"ABCDEFGHIJKLMNOPQRST");
        let native = Method::Native.answer(b"secret", &challenge).unwrap();
        assert!(accepts(&SHA1_FOR_LEGACY_USE_ONLY, true, &native, &challenge));
        assert!(!accepts(&SHA1_FOR_LEGACY_USE_ONLY, true, &native, &other));
        let sha2 = Method::CachingSha2.answer(b"secret", &challenge).unwrap();
        assert!(accepts(&SHA256, false, &sha2, &challenge));
        assert!(!accepts(&SHA256, false, &sha2, &other));
        assert_eq!(Method::Clear.answer(b"secret", &challenge), None);
        for method in [Method::Native, Method::CachingSha2] {
            assert_eq!(method.answer(b"", &challenge), Some(Vec::new()), "an account without a password");
        }
    }

    #[test]
    fn methods_have_the_names_of_the_servers() {
        for method in [Method::Native, Method::CachingSha2, Method::Clear] {
            assert_eq!(Method::named(method.name().as_bytes()), Some(method));
        }
        for unknown in [&b"client_ed25519"[..], b"mysql_old_password", b"dialog", b""] {
            assert_eq!(Method::named(unknown), None);
        }
    }
}

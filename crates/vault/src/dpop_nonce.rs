//! Nonces for `DPoP` proofs ([RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)). A nonce is a MAC of the
//! time window in which it was issued, so that no node stores it, and every node with the same master key accepts it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;

use crate::Vault;
use crate::master_key::MasterKey;

/// How long the server issues the same nonce, in seconds. It accepts a nonce until the end of the next window.
pub const NONCE_WINDOW_SECS: i64 = 300;
/// The length of the MAC in bytes.
const MAC: usize = 18;
/// The base64url length of the MAC.
const CHARACTERS: usize = 24;

pub(crate) struct NonceKey(hmac::Key);

impl NonceKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("DPoP nonce")))
    }

    fn of_window(&self, window: i64) -> [u8; MAC] {
        let mut mac = [0; MAC];
        mac.copy_from_slice(&hmac::sign(&self.0, &window.to_be_bytes()).as_ref()[..MAC]);
        mac
    }

    fn issue(&self, now: Timestamp) -> String {
        URL_SAFE_NO_PAD.encode(self.of_window(window_of(now)))
    }

    fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let mut given = [0; MAC];
        if nonce.len() != CHARACTERS || URL_SAFE_NO_PAD.decode_slice(nonce, &mut given) != Ok(MAC) {
            return false;
        }
        let window = window_of(now);
        // The clock of the node that issued it may be ahead.
        let is_of = |window| verify_slices_are_equal(&self.of_window(window), &given).is_ok();
        [window, window - 1, window + 1].into_iter().any(is_of)
    }
}

fn window_of(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(NONCE_WINDOW_SECS)
}

impl Vault {
    /// The nonce that proofs should contain now: 24 characters of base64url.
    pub fn dpop_nonce(&self, now: Timestamp) -> String {
        self.nonces.issue(now)
    }

    /// Whether a node of this installation issued the nonce a short time ago.
    pub fn dpop_nonce_is_fresh(&self, nonce: &str, now: Timestamp) -> bool {
        self.nonces.accepts(nonce, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_nonce_is_accepted_until_the_end_of_the_next_window() {
        let key = NonceKey::derive(&MasterKey::generate(&SeededEntropy::new(1)));
        let at = |offset| Timestamp::from_secs(NONCE_WINDOW_SECS * 1_000 + offset);
        let nonce = key.issue(at(0));
        assert_eq!(nonce.len(), CHARACTERS);
        assert!(
            nonce.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')),
            "{nonce}"
        );
        assert_eq!(key.issue(at(NONCE_WINDOW_SECS - 1)), nonce);
        assert_ne!(key.issue(at(NONCE_WINDOW_SECS)), nonce, "it rotates");
        for (offset, accepted) in [
            (-NONCE_WINDOW_SECS - 1, false),
            (-1, true),
            (0, true),
            (2 * NONCE_WINDOW_SECS - 1, true),
            (2 * NONCE_WINDOW_SECS, false),
        ] {
            assert_eq!(key.accepts(&nonce, at(offset)), accepted, "{offset}");
        }
    }

    #[test]
    fn a_nonce_of_another_installation_or_form_is_refused() {
        let [one, other] =
            [1, 2].map(|seed| NonceKey::derive(&MasterKey::generate(&SeededEntropy::new(seed))));
        let now = Timestamp::from_secs(1_800_000_000);
        let nonce = one.issue(now);
        assert!(one.accepts(&nonce, now) && !other.accepts(&nonce, now));
        for bad in ["", "x", &nonce[1..], &format!("{nonce}="), &"é".repeat(12)] {
            assert!(!one.accepts(bad, now), "{bad}");
        }
    }
}

//! The second factor: the secrets of time-based one-time passwords ([RFC 6238](https://www.rfc-editor.org/rfc/rfc6238)),
//! recovery codes, and the tickets between the pages of a sign-in.

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::second_factor::{
    DIGITS, DRIFT, RECOVERY_CHARACTERS, RECOVERY_CODES, SealedTotpSecret, step_of,
};
use domain::id::{Epoch, UserId};
use domain::secret::{Digest, RecoveryCode, StepTicket, TotpSecretText};
use domain::time::Timestamp;
use zeroize::Zeroizing;

use crate::Vault;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::subkey::{self, NONCE};

/// The length of a secret in bytes: "The length of the shared secret MUST be at least 128 bits. This document RECOMMENDs a
/// shared secret length of 160 bits" ([RFC 4226 §4](https://www.rfc-editor.org/rfc/rfc4226#section-4)).
const SECRET: usize = 20;

/// The alphabet of Base32 ([RFC 4648 §6](https://www.rfc-editor.org/rfc/rfc4648#section-6)).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Secret. What an authenticator and the server share.
pub struct TotpSecret(Zeroizing<[u8; SECRET]>);

impl TotpSecret {
    /// The secret in Base32 without padding, as authenticators read it.
    pub fn text(&self) -> TotpSecretText {
        TotpSecretText::new(base32(&*self.0))
    }

    /// The code of a time step ([RFC 4226 §5.3](https://www.rfc-editor.org/rfc/rfc4226#section-5.3)).
    fn code(&self, step: i64) -> u32 {
        truncated(&*self.0, step) % 10_u32.pow(DIGITS)
    }

    /// The time step whose code this is, if it is one of those that are accepted now. All are compared, in constant time.
    pub fn step_of_code(&self, code: u32, now: Timestamp) -> Option<i64> {
        let current = step_of(now);
        let mut found = None;
        for step in current.saturating_sub(DRIFT)..=current.saturating_add(DRIFT) {
            if verify_slices_are_equal(&self.code(step).to_be_bytes(), &code.to_be_bytes()).is_ok() {
                found = Some(step);
            }
        }
        found
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(redacted)")
    }
}

/// The 31 bits that the dynamic truncation of the MAC selects. Authenticators know only SHA-1, whose weakness against
/// collisions does not concern a MAC.
fn truncated(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let selected = bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    u32::from_be_bytes(selected) & 0x7fff_ffff
}

fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(letter(bits >> held));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(letter(bits << (5 - held)));
    }
    text
}

fn letter(bits: u32) -> char {
    char::from(BASE32[(bits & 31) as usize])
}

/// A sign-in whose password was right, and whose second factor is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HalfSignIn {
    /// The user of the password.
    pub user: UserId,
    /// The user's epoch when the password was verified.
    pub epoch: Epoch,
    /// Until when the second factor is accepted.
    pub until: Timestamp,
}

pub(crate) struct FactorKeys {
    secrets: LessSafeKey,
    tickets: LessSafeKey,
    recovery: hmac::Key,
}

impl FactorKeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self {
            secrets: subkey::aead(&master.subkey("second factor seal")),
            tickets: subkey::aead(&master.subkey("second factor ticket")),
            recovery: hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("recovery code digest")),
        }
    }

    fn recovery_digest(&self, user: UserId, code: &str) -> Digest {
        let mut bytes = user.get().to_be_bytes().to_vec();
        bytes.extend_from_slice(code.as_bytes());
        keyed_digest(&self.recovery, &bytes)
    }
}

fn sealed(key: &LessSafeKey, nonce: [u8; NONCE], place: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(content);
    subkey::seal_in_place(key, nonce, place, &mut bytes, NONCE);
    bytes
}

fn opened(key: &LessSafeKey, context: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
    subkey::open(key, *nonce, context, sealed).map(Zeroizing::new)
}

/// What a ticket is bound to: what it is for, and the cookie of the browser.
fn ticket_context(purpose: &str, cookie: &str) -> Vec<u8> {
    [purpose.as_bytes(), &[0], cookie.as_bytes()].concat()
}

const SIGN_IN: &str = "sign-in";
const SET_UP: &str = "set-up";

/// Splits a number off the front.
fn number(bytes: &mut &[u8]) -> Result<i64, Unsealed> {
    let (first, rest) = bytes.split_first_chunk::<8>().ok_or(Unsealed)?;
    *bytes = rest;
    Ok(i64::from_be_bytes(*first))
}

impl Vault {
    /// Creates a secret for an authenticator.
    pub fn new_totp_secret(&self) -> TotpSecret {
        TotpSecret(Zeroizing::new(self.random()))
    }

    /// Seals a secret for storage, for this user only.
    pub fn seal_totp_secret(&self, user: UserId, secret: &TotpSecret) -> SealedTotpSecret {
        let context = user.get().to_be_bytes();
        SealedTotpSecret::new(sealed(&self.factors.secrets, self.random(), &context, &*secret.0))
    }

    /// Opens a stored secret.
    ///
    /// # Errors
    /// If it was not sealed under this master key for this user.
    pub fn open_totp_secret(&self, user: UserId, sealed: &SealedTotpSecret) -> Result<TotpSecret, Unsealed> {
        let bytes = opened(&self.factors.secrets, &user.get().to_be_bytes(), sealed.as_bytes())?;
        Ok(TotpSecret(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| Unsealed)?)))
    }

    /// Creates the recovery codes of a user, each with the digest to store.
    pub fn new_recovery_codes(&self, user: UserId) -> Vec<(RecoveryCode, Digest)> {
        let new = |_| {
            let random: [u8; RECOVERY_CHARACTERS] = self.random();
            let code: String =
                random.iter().map(|byte| letter(u32::from(*byte)).to_ascii_lowercase()).collect();
            let digest = self.recovery_digest(user, &code);
            let (first, second) = code.split_at(RECOVERY_CHARACTERS / 2);
            (RecoveryCode::new(format!("{first}-{second}")), digest)
        };
        (0..RECOVERY_CODES).map(new).collect()
    }

    /// The digest under which a recovery code of a user is stored. The code is in lower case, without the dash.
    pub fn recovery_digest(&self, user: UserId, code: &str) -> Digest {
        self.factors.recovery_digest(user, code)
    }

    /// Seals a sign-in whose second factor is still to come, for the browser with this cookie.
    pub fn seal_half_sign_in(&self, half: HalfSignIn, cookie: &str) -> StepTicket {
        let HalfSignIn { user, epoch, until } = half;
        let content = [user.get(), epoch.get(), until.as_micros()].map(i64::to_be_bytes).concat();
        self.seal_ticket(SIGN_IN, cookie, &content)
    }

    /// Opens it in the same browser, before its end.
    ///
    /// # Errors
    /// If it is of another browser, was changed, or has expired.
    pub fn open_half_sign_in(
        &self,
        text: &str,
        cookie: &str,
        now: Timestamp,
    ) -> Result<HalfSignIn, Unsealed> {
        let content = self.open_ticket(SIGN_IN, cookie, text)?;
        let mut rest = content.as_slice();
        let (user, epoch) = (UserId::new(number(&mut rest)?), Epoch::new(number(&mut rest)?));
        let until = Timestamp::from_micros(number(&mut rest)?);
        if rest.is_empty() && !until.is_past(now) {
            Ok(HalfSignIn { user, epoch, until })
        } else {
            Err(Unsealed)
        }
    }

    /// Seals a secret that is being set up, until an instant, for the browser with this cookie.
    pub fn seal_set_up(&self, secret: &TotpSecret, until: Timestamp, cookie: &str) -> StepTicket {
        let mut content = Zeroizing::new(until.as_micros().to_be_bytes().to_vec());
        content.extend_from_slice(&*secret.0);
        self.seal_ticket(SET_UP, cookie, &content)
    }

    /// Opens it in the same browser, before its end.
    ///
    /// # Errors
    /// If it is of another browser, was changed, or has expired.
    pub fn open_set_up(&self, text: &str, cookie: &str, now: Timestamp) -> Result<TotpSecret, Unsealed> {
        let content = self.open_ticket(SET_UP, cookie, text)?;
        let mut rest = content.as_slice();
        let until = Timestamp::from_micros(number(&mut rest)?);
        let secret = Zeroizing::new(rest.try_into().map_err(|_| Unsealed)?);
        if until.is_past(now) { Err(Unsealed) } else { Ok(TotpSecret(secret)) }
    }

    fn seal_ticket(&self, purpose: &str, cookie: &str, content: &[u8]) -> StepTicket {
        let bytes = sealed(&self.factors.tickets, self.random(), &ticket_context(purpose, cookie), content);
        StepTicket::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn open_ticket(&self, purpose: &str, cookie: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unsealed)?;
        opened(&self.factors.tickets, &ticket_context(purpose, cookie), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [RFC 6238 appendix B](https://www.rfc-editor.org/rfc/rfc6238#appendix-B): the values for SHA-1, of eight digits, and
    /// the last six of them.
    #[test]
    fn codes_match_the_test_vectors_of_rfc_6238() {
        let secret = TotpSecret(Zeroizing::new(*b"12345678901234567890"));
        for (secs, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let at = Timestamp::from_secs(secs);
            assert_eq!(truncated(&*secret.0, step_of(at)) % 100_000_000, code, "{secs}");
            assert_eq!(secret.step_of_code(code % 1_000_000, at), Some(step_of(at)), "{secs}");
        }
    }

    #[test]
    fn a_code_is_accepted_one_step_early_and_one_step_late() {
        let secret = TotpSecret(Zeroizing::new(*b"12345678901234567890"));
        let now = Timestamp::from_secs(1_111_111_111);
        let step = step_of(now);
        let accepted: Vec<i64> = (-3..=3)
            .filter(|off| secret.step_of_code(secret.code(step + off), now) == Some(step + off))
            .collect();
        assert_eq!(accepted, [-1, 0, 1]);
    }

    #[test]
    fn a_ticket_opens_only_for_its_purpose_in_its_browser() {
        let keys = FactorKeys::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let ticket = sealed(&keys.tickets, [1; NONCE], &ticket_context(SIGN_IN, "browser one"), b"content");
        let open = |purpose, cookie: &str, bytes: &[u8]| {
            opened(&keys.tickets, &ticket_context(purpose, cookie), bytes)
        };
        assert_eq!(open(SIGN_IN, "browser one", &ticket).unwrap().as_slice(), b"content");
        assert!(open(SIGN_IN, "browser two", &ticket).is_err());
        assert!(open(SET_UP, "browser one", &ticket).is_err());
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert!(open(SIGN_IN, "browser one", &changed).is_err(), "byte {at}");
            assert!(open(SIGN_IN, "browser one", &ticket[..at]).is_err(), "cut to {at}");
        }
    }

    #[test]
    fn a_recovery_code_has_another_digest_for_another_user() {
        let keys = FactorKeys::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let digest = |user| *keys.recovery_digest(UserId::new(user), "abcdefgh27").as_bytes();
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    /// [RFC 4648 §10](https://www.rfc-editor.org/rfc/rfc4648#section-10), without padding.
    #[test]
    fn base32_matches_the_test_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}

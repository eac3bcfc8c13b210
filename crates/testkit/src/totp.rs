//! A person's authenticator.

use aws_lc_rs::hmac;
use domain::time::Timestamp;

/// The code that an authenticator with this secret, in Base32, shows at an instant ([RFC
/// 6238](https://www.rfc-editor.org/rfc/rfc6238)).
///
/// # Panics
/// If the secret is not in Base32.
pub fn totp(secret: &str, at: Timestamp) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decoded(secret));
    let mac = hmac::sign(&key, &(at.as_secs() / 30).to_be_bytes());
    let mac = mac.as_ref();
    let from = usize::from(mac[19] & 15);
    let bits = mac[from..from + 4].iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    format!("{:06}", (bits & 0x7fff_ffff) % 1_000_000)
}

fn decoded(text: &str) -> Vec<u8> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = text
        .chars()
        .filter(|letter| *letter != ' ')
        .flat_map(|letter| {
            let value = letters.find(letter).expect("a letter of Base32");
            (0..5).rev().map(move |bit| u8::try_from(value >> bit & 1).expect("a bit"))
        })
        .collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [RFC 6238 appendix B](https://www.rfc-editor.org/rfc/rfc6238#appendix-B).
    #[test]
    fn it_shows_the_codes_of_the_rfc() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (secs, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp(secret, Timestamp::from_secs(secs)), code);
        }
    }
}

//! Texts of long-lived secrets: a prefix, 256 random bits, and a checksum by which a scanner can recognise a leaked one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The base64url lengths of 32 bytes and of the four bytes of the checksum.
const BODY: usize = 43;
const CHECKSUM: usize = 6;

/// Composes a text from its random bytes.
pub(crate) fn compose(prefix: &str, random: [u8; 32]) -> String {
    let body = URL_SAFE_NO_PAD.encode(random);
    format!("{prefix}{body}{}", URL_SAFE_NO_PAD.encode(checksum(prefix, &body)))
}

/// Whether the text has the form of such a secret and a correct checksum. Anybody can compute this; it proves nothing.
pub(crate) fn is_valid(prefix: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else {
        return false;
    };
    if rest.len() != BODY + CHECKSUM || !rest.is_char_boundary(BODY) {
        return false;
    }
    let (body, written) = rest.split_at(BODY);
    let mut text = [0; CHECKSUM];
    URL_SAFE_NO_PAD.encode_slice(checksum(prefix, body), &mut text).is_ok() && text == written.as_bytes()
}

/// The CRC-32 of everything before it, which is written in base64url, as scanners for leaked secrets expect.
fn checksum(prefix: &str, body: &str) -> [u8; 4] {
    crc32(prefix.bytes().chain(body.bytes())).to_be_bytes()
}

/// CRC-32 as in ISO-HDLC, zip and PNG. It detects typing errors and leaks; it protects nothing.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    const TABLE: [u32; 256] = crc32_table();
    !bytes.fold(!0, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        crc >> 8 ^ TABLE[usize::from(low ^ byte)]
    })
}

const fn crc32_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_common_crc_32() {
        assert_eq!(crc32(b"123456789".iter().copied()), 0xcbf4_3926);
        assert_eq!(crc32(std::iter::empty()), 0);
    }
}

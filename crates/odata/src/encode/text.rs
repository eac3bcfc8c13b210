//! JSON strings.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters to percent-encode in URLs: all except those allowed in a path and a fragment.
const OUTSIDE_URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Percent-encodes characters that are not allowed in the path or fragment of a URL.
pub(crate) fn in_url(text: &str) -> String {
    utf8_percent_encode(text, OUTSIDE_URL).to_string()
}

/// Whether a byte must be escaped.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped
};

/// Writes a quoted string. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        match std::str::from_utf8(text) {
            Ok(_) => escaped(out, text),
            Err(_) => escaped(out, String::from_utf8_lossy(text).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Whether the text is ASCII without characters to escape, as most texts are; checks eight bytes at once.
fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let special = words.iter().fold(0, |found, word| found | special_bytes(u64::from_le_bytes(*word)));
    special == 0 && rest.iter().all(|byte| byte.is_ascii() && !ESCAPED[usize::from(*byte)])
}

/// Sets the highest bit of a byte if any of the eight is below 0x20, a quote, a backslash, or not ASCII.
pub(super) const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;
    const fn zero(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero(word ^ (ONES * b'"' as u64));
    let backslash = zero(word ^ (ONES * b'\\' as u64));
    (control | quote | backslash | word) & HIGHS
}

fn escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(run) = text.iter().position(|byte| ESCAPED[usize::from(*byte)]) {
        out.extend_from_slice(&text[..run]);
        escape(out, text[run]);
        text = &text[run + 1..];
    }
    out.extend_from_slice(text);
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
            out.push(b"0123456789abcdef"[usize::from(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_plain_exactly_if_nothing_of_it_must_be_escaped_or_checked() {
        for byte in 0..=u8::MAX {
            for at in 0..17 {
                let mut text = *b"harbour of ships!";
                text[at] = byte;
                let expected = byte.is_ascii() && !ESCAPED[usize::from(byte)];
                assert_eq!(is_plain(&text), expected, "byte {byte:#x} at {at}");
            }
        }
        assert!(is_plain(b""));
    }
}

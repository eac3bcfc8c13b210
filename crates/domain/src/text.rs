//! Normal forms of text ([UAX #15](https://www.unicode.org/reports/tr15/)): the same letters may be typed as
//! different characters, and must be the same name or password.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

/// The text in NFC, in which names are stored and compared.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// The text in NFD, in which some systems type names.
pub fn nfd(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfd().collect()) }
}

/// The text in NFKC, in which passwords are hashed
/// ([NIST SP 800-63B §5.1.1.2](https://pages.nist.gov/800-63-3/sp800-63b.html#memsecretver)).
pub fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    // Allocated at its final size, so that no part of a password is left behind in memory.
    let mut normal = String::with_capacity(text.len() * 12);
    normal.extend(text.nfkc());
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_letters_are_the_same_text() {
        assert_eq!(nfc("Mu\u{308}ller"), "Müller");
        assert_eq!(nfd("Müller"), "Mu\u{308}ller");
        assert_eq!(nfkc("Mu\u{308}ller \u{fb01}n \u{ff11}"), "Müller fin 1");
        assert!(matches!(nfc("Müller"), Cow::Borrowed(_)) && matches!(nfkc("Müller"), Cow::Borrowed(_)));
    }

    #[test]
    fn normalisation_never_exceeds_the_allocated_capacity() {
        let longest = ('\0'..=char::MAX).map(|c| {
            let text = c.to_string();
            nfkc(&text).len() <= 12 * text.len()
        });
        assert!(longest.into_iter().all(|fits| fits));
    }
}

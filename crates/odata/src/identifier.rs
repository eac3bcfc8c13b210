//! The characters of identifiers.

/// The maximum length of an identifier in characters ([CSDL
/// §15.2](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_SimpleIdentifier)).
pub(crate) const MAX_LENGTH: usize = 128;

/// Characters with which Unicode allows identifiers to start for compatibility only; they are neither letters
/// nor letter numbers.
const NO_LETTERS: [char; 4] = ['\u{2118}', '\u{212e}', '\u{309b}', '\u{309c}'];

/// Like [`NO_LETTERS`], for characters that continue an identifier.
const NO_PARTS: [std::ops::RangeInclusive<char>; 6] = [
    '\u{b7}'..='\u{b7}',
    '\u{387}'..='\u{387}',
    '\u{1369}'..='\u{1371}',
    '\u{19da}'..='\u{19da}',
    '\u{30fb}'..='\u{30fb}',
    '\u{ff65}'..='\u{ff65}',
];

/// Whether an identifier may start with it: a letter, a letter number or an underscore.
pub(crate) fn may_start(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic() || character == '_';
    }
    unicode_ident::is_xid_start(character) && !NO_LETTERS.contains(&character)
}

/// Whether an identifier may contain it: also a digit, a mark, a connector or a formatting character.
pub(crate) fn may_continue(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || character == '_';
    }
    let formats = matches!(character, '\u{200c}' | '\u{200d}');
    let excluded = NO_LETTERS.contains(&character) || NO_PARTS.iter().any(|range| range.contains(&character));
    formats || (unicode_ident::is_xid_continue(character) && !excluded)
}

/// The most similar identifier: other characters are replaced by underscores.
pub(crate) fn nearest(name: &str) -> String {
    let mut nearest = String::with_capacity(name.len());
    for character in name.chars().take(MAX_LENGTH) {
        if nearest.is_empty() && may_continue(character) && !may_start(character) {
            nearest.push('_');
        }
        nearest.push(if may_continue(character) { character } else { '_' });
    }
    if nearest.is_empty() { "_".to_owned() } else { shortened(&nearest, MAX_LENGTH).to_owned() }
}

/// The first `length` characters of a text.
pub(crate) fn shortened(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_letters_digits_marks_and_connectors_only() {
        for (name, expected) in [
            ("m²", "m_"),
            ("½", "_"),
            ("①", "_"),
            ("Ⓐ", "_"),
            ("a·b", "a_b"),
            ("℮", "_"),
            ("Ⅻ", "Ⅻ"),
            ("Größe", "Größe"),
            ("名前", "名前"),
            ("٣a", "_٣a"),
            ("é", "é"),
            ("First Name", "First_Name"),
            ("a.b", "a_b"),
            ("", "_"),
            ("1", "_1"),
            ("😀", "_"),
        ] {
            assert_eq!(nearest(name), expected, "{name}");
        }
        assert_eq!(nearest(&"ä".repeat(200)).chars().count(), MAX_LENGTH);
        assert_eq!(nearest(&"1".repeat(200)).chars().count(), MAX_LENGTH);
    }

    #[test]
    fn what_is_mended_is_an_identifier() {
        for character in '\0'..=char::MAX {
            let name = nearest(&format!("{character}{character}"));
            let mut characters = name.chars();
            assert!(characters.next().is_some_and(may_start) && characters.all(may_continue), "{name}");
        }
    }
}

//! Names that can be taken for the server's own.

use unicode_normalization::UnicodeNormalization;

/// "sluicegate" as [`skeleton`] spells it.
const OWN: &str = "slulcegate";

/// Whether the name contains the server's, in whatever letters, spaced or not.
pub(super) fn is_of_this_server(name: &str) -> bool {
    skeleton(name).contains(OWN)
}

/// What the eye takes the letters for: without case, marks, blanks and punctuation, with lookalikes of the letters of
/// "sluicegate" as these letters, and `i` as `l` (the idea of [UTS 39 §4](https://www.unicode.org/reports/tr39/#Confusable_Detection),
/// for one name).
fn skeleton(name: &str) -> String {
    let letters = name.nfkd().flat_map(char::to_lowercase).map(latin);
    letters.filter(char::is_ascii_alphanumeric).collect()
}

fn latin(c: char) -> char {
    match c {
        '5' | '$' | 'ѕ' | 'ꜱ' | 'ƽ' | 'ʂ' | 'ꮪ' | 'տ' | 'ꓢ' | 'ꮥ' | 'Տ' => 's',
        'i' | '1' | '|' | '!' | 'ı' | 'ɩ' | 'ɪ' | 'і' | 'ι' | 'ӏ' | 'ǀ' | 'ł' | 'ɫ' | 'ʟ' | 'ꭵ' | 'ا'
        | 'ו' | 'ⵏ' | 'ɭ' | 'ꓡ' | 'ꓲ' | 'ꙇ' | 'լ' | 'ᒪ' | 'ꮮ' | '∣' | '𐑈' => 'l',
        'υ' | 'ս' | 'ʋ' | 'ᴜ' | 'ц' | 'µ' | 'μ' | 'ꭎ' | 'ʉ' | 'ꓴ' | '∪' | 'ᑌ' => 'u',
        'с' | 'ϲ' | 'ᴄ' | 'ⲥ' | 'ꮯ' | '¢' | '(' | 'ꓚ' | 'ᑕ' | '𐐽' => 'c',
        '3' | 'е' | 'ҽ' | 'ε' | 'є' | 'ᴇ' | 'ɛ' | '€' | 'ꬲ' | 'ꓰ' | '℮' | 'ꭼ' | '∊' => 'e',
        '6' | '9' | 'ɡ' | 'ց' | 'ɢ' | 'ǥ' | 'ԍ' | 'ƍ' | 'ꓖ' | 'ꮐ' => 'g',
        '4' | '@' | 'а' | 'α' | 'ɑ' | 'ᴀ' | 'ꓮ' | 'ꭺ' | 'ᗅ' => 'a',
        '7' | '+' | 'т' | 'τ' | 'ᴛ' | 'ŧ' | 'ƭ' | 'ꓔ' | 'ꭲ' | '†' | '⊤' => 't',
        other => other,
    }
}

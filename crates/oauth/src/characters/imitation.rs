//! Names that can be taken for the server's own, or for somebody in charge of it.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// The server.
const OWN: &str = "sluicegate";

/// Words by which people know who runs a server. No name of an application or of a user is one of them, or is made of
/// them and [`BESIDE_THEM`] alone.
const IN_CHARGE: [&str; 12] = [
    "admin",
    "admins",
    "administration",
    "administrator",
    "administrators",
    "helpdesk",
    "root",
    "superuser",
    "support",
    "sysadmin",
    "sysadmins",
    "system",
];

/// Words that make no other name of one that is [`IN_CHARGE`].
const BESIDE_THEM: [&str; 22] = [
    "account", "and", "center", "centre", "desk", "for", "help", "it", "of", "official", "our", "security",
    "server", "service", "services", "staff", "team", "the", "user", "users", "web", "your",
];

static WORDS: LazyLock<Vec<(String, bool)>> = LazyLock::new(|| {
    let in_charge = IN_CHARGE.iter().map(|word| (skeleton(word), true));
    in_charge.chain(BESIDE_THEM.iter().map(|word| (skeleton(word), false))).collect()
});

static OWN_SKELETON: LazyLock<String> = LazyLock::new(|| skeleton(OWN));

/// Whether the name contains that of the server, in any letters, with or without spaces.
pub(super) fn is_of_this_server(name: &str) -> bool {
    skeleton(name).contains(OWN_SKELETON.as_str())
}

/// Whether the name is one of somebody in charge, in whatever letters, spaced or not, with or without a number after it.
pub(super) fn is_of_who_is_in_charge(name: &str) -> bool {
    let unnumbered = name.trim_end_matches(|c: char| c.is_numeric() || !c.is_alphanumeric());
    [name, unnumbered].into_iter().any(|name| is_made_of_words(&skeleton(name)))
}

/// Whether the name looks like the other.
pub(super) fn looks_like(name: &str, other: &str) -> bool {
    skeleton(name) == skeleton(other)
}

/// Whether the character can be taken for a Latin letter or a digit.
pub(super) fn looks_latin(c: char) -> bool {
    let seen = as_seen(c.encode_utf8(&mut [0; 4]));
    let mut letters = seen.chars().filter(|c| !super::is_mark(*c)).peekable();
    letters.peek().is_some() && letters.all(|c| c.is_ascii_alphanumeric())
}

/// Whether the text is made of the words alone, one of which is in charge.
fn is_made_of_words(text: &str) -> bool {
    // For each place, whether words lead there, and whether words do of which one is in charge.
    let mut reached = vec![(false, false); text.len() + 1];
    reached[0].0 = true;
    for at in 0..text.len() {
        let (by_words, by_one_in_charge) = reached[at];
        if !by_words {
            continue;
        }
        for (word, is_in_charge) in WORDS.iter().filter(|(word, _)| text[at..].starts_with(word.as_str())) {
            let end = &mut reached[at + word.len()];
            *end = (true, end.1 || by_one_in_charge || *is_in_charge);
        }
    }
    reached[text.len()].1
}

/// What the eye takes the name for, without blanks, punctuation and marks.
fn skeleton(name: &str) -> String {
    as_seen(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// What the eye takes the letters for ([UTS 39 §4](https://www.unicode.org/reports/tr39/#Confusable_Detection)), whatever
/// their case and form. A letter may be taken for another in the case in which it is written (`Н` for `H`) or in the
/// other (`н` for a small `H`), so lookalikes are sought before and after the case is folded.
fn as_seen(text: &str) -> String {
    let mut seen: String = text.nfkd().collect();
    for _ in 0..2 {
        let folded = unicode_security::skeleton(&seen).flat_map(char::to_lowercase).map(latin);
        seen = folded.collect();
    }
    unicode_security::skeleton(&seen).collect()
}

/// Digits, signs and small capitals that are read as a letter, and letters that are not among the confusables. `i` and `l`
/// are one.
fn latin(c: char) -> char {
    match c {
        '4' | '@' | 'ᴀ' | 'ꭺ' | 'ᗅ' => 'a',
        'ʙ' => 'b',
        '¢' | '(' | 'ᴄ' | 'ꮯ' => 'c',
        'ᴅ' | 'đ' | 'ɗ' => 'd',
        '3' | '€' | 'ε' | 'є' | 'ɛ' | 'ᴇ' | 'ꭼ' | '∊' => 'e',
        '6' | '9' | 'ɢ' | 'ǥ' | 'ԍ' | 'ƍ' | 'ꮐ' => 'g',
        'ʜ' | 'ɦ' => 'h',
        'i' | '1' | '|' | '!' | 'ı' | 'ɪ' | 'ʟ' | 'ł' | 'ɫ' | 'ɭ' | 'ꮮ' | 'ꭵ' | '𐑈' => 'l',
        'ᴋ' | 'к' => 'k',
        'ᴍ' | 'ʍ' | 'м' => 'm',
        'ɴ' | 'п' | 'η' => 'n',
        '0' | 'ᴏ' | 'ø' => 'o',
        'ᴘ' | 'ꮲ' => 'p',
        'ʀ' | 'ꮢ' | 'ɾ' => 'r',
        '5' | '$' | 'ꜱ' | 'ƽ' | 'ʂ' | 'տ' | 'ꮪ' | 'ꮥ' => 's',
        '7' | '+' | 'ᴛ' | 'т' | 'τ' | 'ŧ' | 'ƭ' | '†' | '⊤' | 'ꭲ' => 't',
        'ᴜ' | 'ц' | 'µ' | 'μ' | 'ʉ' | 'ʋ' => 'u',
        'ʏ' | 'ү' => 'y',
        other => other,
    }
}

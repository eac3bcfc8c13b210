//! Names that can be mistaken for the server's own, or for that of an operator.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// The server's name.
const OWN: &str = "sluicegate";

/// Words that describe the operators of a server. The name of an application or a user must not be one of
/// them, or consist only of them and [`FILLER_WORDS`].
const OPERATOR_WORDS: [&str; 12] = [
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

/// Words that do not make a different name when they are added to [`OPERATOR_WORDS`].
const FILLER_WORDS: [&str; 22] = [
    "account", "and", "center", "centre", "desk", "for", "help", "it", "of", "official", "our", "security",
    "server", "service", "services", "staff", "team", "the", "user", "users", "web", "your",
];

static WORDS: LazyLock<Vec<(String, bool)>> = LazyLock::new(|| {
    let in_charge = OPERATOR_WORDS.iter().map(|word| (skeleton(word), true));
    in_charge.chain(FILLER_WORDS.iter().map(|word| (skeleton(word), false))).collect()
});

static OWN_SKELETON: LazyLock<String> = LazyLock::new(|| skeleton(OWN));

/// Whether the name contains that of the server, in any letters, with or without spaces.
pub(super) fn contains_server_name(name: &str) -> bool {
    skeleton(name).contains(OWN_SKELETON.as_str())
}

/// Whether the name is that of an operator, whatever its letters and spaces, with or without a number after
/// it.
pub(super) fn is_of_an_operator(name: &str) -> bool {
    let unnumbered = name.trim_end_matches(|c: char| c.is_numeric() || !c.is_alphanumeric());
    [name, unnumbered].into_iter().any(|name| is_made_of_words(&skeleton(name)))
}

/// Whether the two names look alike.
pub(super) fn looks_like(name: &str, other: &str) -> bool {
    skeleton(name) == skeleton(other)
}

/// Whether the character can be mistaken for a Latin letter or a digit.
pub(super) fn looks_latin(c: char) -> bool {
    let seen = as_seen(c.encode_utf8(&mut [0; 4]));
    let mut letters = seen.chars().filter(|c| !super::is_mark(*c)).peekable();
    letters.peek().is_some() && letters.all(|c| c.is_ascii_alphanumeric())
}

/// Whether the text consists only of the words, at least one of which is in charge.
fn is_made_of_words(text: &str) -> bool {
    // For each position, whether words lead to it, and whether such words with one in charge lead to it.
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

/// What the name looks like, without spaces, punctuation and marks.
fn skeleton(name: &str) -> String {
    as_seen(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// What the letters look like ([UTS 39 §4](https://www.unicode.org/reports/tr39/#Confusable_Detection)),
/// whatever their case and form. A letter may resemble another in its own case (`Н` and `H`) or in the other
/// (`н` and a small `H`), so look-alikes are replaced before and after case folding.
fn as_seen(text: &str) -> String {
    let mut seen: String = text.chars().map(unframed).nfkd().collect();
    for _ in 0..2 {
        let folded = unicode_security::skeleton(&seen).flat_map(char::to_lowercase).map(latin);
        seen = folded.collect();
    }
    unicode_security::skeleton(&seen).collect()
}

/// The letter in a circle, a square, brackets or a flag, which Unicode does not decompose (or to a letter between
/// brackets), and the Cherokee letter for its small form, which Unicode derives the other way round.
fn unframed(c: char) -> char {
    let alphabets = ['\u{1f110}', '\u{1f130}', '\u{1f150}', '\u{1f170}', '\u{1f1e6}'];
    let in_alphabet = |first: char| {
        let index = u8::try_from(u32::from(c).checked_sub(u32::from(first))?).ok()?;
        (index < 26).then(|| char::from(b'A' + index))
    };
    match c {
        '\u{ab70}'..='\u{abbf}' => c.to_uppercase().next().unwrap_or(c),
        _ => alphabets.into_iter().find_map(in_alphabet).unwrap_or(c),
    }
}

/// Digits, signs and small capitals that are read as a letter, and letters that are not among the
/// confusables. `i` and `l` count as the same letter.
fn latin(c: char) -> char {
    match c {
        '4' | '@' | 'ᴀ' | 'ꭺ' | 'ᗅ' => 'a',
        'ʙ' => 'b',
        '¢' | '(' | 'ᴄ' | 'ꮯ' => 'c',
        'ᴅ' | 'đ' | 'ɗ' => 'd',
        '3' | '€' | 'ε' | 'є' | 'ɛ' | 'ᴇ' | 'ꭼ' | '∊' => 'e',
        '6' | '9' | 'ɢ' | 'ǥ' | 'ԍ' | 'ƍ' | 'ꮐ' | 'ꮆ' | 'ꮠ' => 'g',
        'ʜ' | 'ɦ' => 'h',
        'i' | '1' | '|' | '!' | 'ı' | 'ɪ' | 'ʟ' | 'ł' | 'ɫ' | 'ɭ' | 'ꮮ' | 'ꭵ' | 'ꮖ' | '𐑈' => {
            'l'
        }
        'ᴋ' | 'к' => 'k',
        'ᴍ' | 'ʍ' | 'м' => 'm',
        'ɴ' | 'п' | 'η' => 'n',
        '0' | 'ᴏ' | 'ø' => 'o',
        'ᴘ' | 'ꮲ' => 'p',
        'ʀ' | 'ꮢ' | 'ɾ' => 'r',
        '5' | '$' | 'ꜱ' | 'ƽ' | 'ʂ' | 'տ' | 'ꮪ' | 'ꮥ' | 'ꮚ' => 's',
        '7' | '+' | 'ᴛ' | 'т' | 'τ' | 'ŧ' | 'ƭ' | '†' | '⊤' | 'ꭲ' => 't',
        'ᴜ' | 'ц' | 'µ' | 'μ' | 'ʉ' | 'ʋ' | 'ꮜ' => 'u',
        'ʏ' | 'ү' => 'y',
        other => other,
    }
}

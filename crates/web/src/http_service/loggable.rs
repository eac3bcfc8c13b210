//! What the log may contain of a request: no personal data, nothing that controls a terminal, nothing
//! unbounded.

use std::borrow::Cow;

/// Longer paths are truncated in the log.
const MOST_LOGGED: usize = 200;

/// A character that was encoded repeatedly is truncated to this many bytes.
const MOST_ENCODED: usize = 12;

/// A word of this many characters that mixes letters of both cases and digits is taken for a token, code or secret. Those of
/// this server, and signed tokens, are longer.
const OPAQUE_LENGTH: usize = 32;

/// The method, if it is a known one; a client may invent any word.
pub(crate) fn method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}

/// The path without the text in parentheses or quotes, because keys of entities are personal data. Queries
/// are never logged at all. From what looks like a token, code or secret on, and if in doubt, as with an unclosed
/// parenthesis or quote, the rest is omitted.
pub(crate) fn path(path: &str) -> Cow<'_, str> {
    let plain = plain_length(path);
    if plain == path.len() {
        return Cow::Borrowed(path);
    }
    let mut shown = String::with_capacity(path.len().min(MOST_LOGGED));
    let (plain, mut rest) = path.split_at(plain);
    shown.push_str(plain);
    let mut mask = Mask { recent: last_four(plain), ..Mask::default() };
    while let Some((character, length)) = next(rest) {
        mask.in_doubt |= mask.is_at_word() && is_opaque(rest);
        let (given, after) = rest.split_at(length);
        let is_encoded = given.starts_with('%') && !matches!(character, '(' | ')' | '\'');
        let piece = if is_encoded { &given[..length.min(MOST_ENCODED)] } else { "" };
        if shown.len() + piece.len().max(character.len_utf8()) > MOST_LOGGED {
            break;
        }
        match mask.shows(character) {
            false => {}
            true if is_encoded => shown.push_str(piece),
            true => shown.push(if character.is_control() { '?' } else { character }),
        }
        rest = after;
    }
    Cow::Owned(shown)
}

/// The length of the beginning in which nothing can be masked: whole words of ordinary characters. A parenthesis or a quote
/// ends a word.
fn plain_length(path: &str) -> usize {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'(' | b'%' | b'\'' | b'_');
    let mut word = 0;
    for (at, byte) in path.bytes().enumerate().take(MOST_LOGGED) {
        if at - word >= OPAQUE_LENGTH {
            return word;
        }
        if !is_plain(byte) {
            return if matches!(byte, b'(' | b'\'') { at } else { word };
        }
        if !is_of_word(char::from(byte)) {
            word = at + 1;
        }
    }
    if path.len() <= MOST_LOGGED { path.len() } else { word }
}

/// Whether the character occurs in tokens: base64url, and the dots of a signed one.
fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Whether the text begins with a word that looks like a token, code or secret.
fn is_opaque(mut text: &str) -> bool {
    if text.len() < OPAQUE_LENGTH {
        return false;
    }
    let (mut length, mut has_upper, mut has_lower, mut has_digit) = (0, false, false, false);
    while let Some((character, bytes)) = next(text).filter(|(character, _)| is_of_word(*character)) {
        length += 1;
        has_upper |= character.is_ascii_uppercase();
        has_lower |= character.is_ascii_lowercase();
        has_digit |= character.is_ascii_digit();
        if length >= OPAQUE_LENGTH && has_upper && has_lower && has_digit {
            return true;
        }
        text = &text[bytes..];
    }
    false
}

fn last_four(text: &str) -> [char; 4] {
    let mut last = text.chars().rev();
    let [fourth, third, second, first] = std::array::from_fn(|_| last.next().unwrap_or_default());
    [first, second, third, fourth]
}

/// The first character of the text, and the number of bytes that it takes. A percent-encoded character,
/// however often it was encoded, counts as itself, because a program on the way may have encoded it again.
fn next(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    if first != '%' {
        return Some((first, first.len_utf8()));
    }
    let octet = |at: usize| {
        let digits = text.as_bytes().get(at..at + 2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
    };
    let Some(mut decoded) = octet(1) else { return Some(('%', 1)) };
    let mut length = 3;
    while decoded == b'%'
        && let Some(inner) = octet(length)
    {
        (decoded, length) = (inner, length + 2);
    }
    Some((char::from(decoded), length))
}

/// Detects text in parentheses or quotes. Within quotes a parenthesis is an ordinary character; a doubled
/// quote ends the text and starts it again, which has the same effect. If the text after a quote or a
/// parenthesis shows that a quote was not doubled, the end of the key is unknown.
#[derive(Default)]
struct Mask {
    depth: usize,
    quoted: bool,
    /// Whether a parenthesis was opened at all.
    has_opened: bool,
    before: Option<char>,
    /// The last four characters.
    recent: [char; 4],
    in_doubt: bool,
}

impl Mask {
    fn shows(&mut self, character: char) -> bool {
        let fits = match self.before {
            Some('\'') if self.depth > 0 && !self.quoted => matches!(character, '\'' | ',' | ')' | ' '),
            Some(')') if self.depth == 0 => matches!(character, '/' | '('),
            _ => character != '"' || self.depth == 0 || self.quoted,
        };
        // The texts that this server issues begin with `sg`, a letter and an underscore.
        let begins_token = character == '_'
            && matches!(self.recent, [before, 's', 'g', 'a'..='z'] if !before.is_alphanumeric());
        self.in_doubt |= self.has_opened && !fits || begins_token;
        self.recent = [self.recent[1], self.recent[2], self.recent[3], character];
        self.before = Some(character);
        !self.in_doubt && self.is_outside(character)
    }

    /// Whether a word would begin with the next character.
    fn is_at_word(&self) -> bool {
        !is_of_word(self.recent[3])
    }

    fn is_outside(&mut self, character: char) -> bool {
        match character {
            '\'' => {
                self.quoted = !self.quoted;
                self.depth == 0
            }
            _ if self.quoted => false,
            '(' => {
                self.has_opened = true;
                self.depth += 1;
                self.depth == 1
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                self.depth == 0
            }
            _ => self.depth == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_entities_are_not_logged() {
        for given in [
            "People('Ada')/Name",
            "People%28%27Ada%27%29/Name",
            "People%2528%2527Ada%2527%2529/Name",
            "People('a)secret')/Name",
            "People('a%29secret')/Name",
            "People(%27a)secret%27)/Name",
            "People('it''s a)secret')/Name",
            "People('it%27%27s a)secret')/Name",
            "People('a/b)secret')/Name",
            "People(first='a)',last=(('secret')))/Name",
            "People(42)/Name",
        ] {
            assert_eq!(path(&format!("/api/odata4/crm/{given}")), "/api/odata4/crm/People()/Name", "{given}");
        }
    }

    #[test]
    fn the_rest_is_omitted_if_the_end_of_a_key_is_in_doubt() {
        for given in
            ["People('(", "People('secret", "People(secret", "People('a''secret)/b", "People((secret)"]
        {
            assert_eq!(path(&format!("/crm/{given}")), "/crm/People(", "{given}");
        }
        assert_eq!(path("/crm/People/'secret'"), "/crm/People/''");
        assert_eq!(path("/crm/People)/Name"), "/crm/People)/Name", "nothing was opened");
    }

    #[test]
    fn an_undoubled_quote_reveals_nothing_of_the_key() {
        for given in ["O'Brien)secret'", "it's)secret'", "O%27Brien)/secret'", "a')secret'", "O'B')/secret'"]
        {
            let given = format!("/crm/People('{given})/Name");
            let shown = path(&given);
            assert!(!shown.contains("secret") && !shown.contains("Brien"), "{given}: {shown}");
        }
        let shown = path("/crm/People(\"x)secret\")/Name");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn tokens_and_secrets_are_not_logged() {
        for given in
            ["sga_abc/t", "x/sgr_abc", "x(1)/sgs_abc", "%73gc_abc", "sg%61_abc", "sgn%5Fabc", "a_b/sgs_abc"]
        {
            let given = format!("/odata/{given}");
            assert!(!path(&given).contains("abc"), "{given}: {}", path(&given));
        }
        // Every letter, so that a new kind of token is masked too.
        for letter in 'a'..='z' {
            let given = format!("/oauth2/register/sg{letter}_abc");
            assert_eq!(path(&given), format!("/oauth2/register/sg{letter}"));
        }
        assert_eq!(path("/api/odata4/my_source/msgs_of_day"), "/api/odata4/my_source/msgs_of_day");
        assert_eq!(path("/api/odata4/my_source/Long_name_(1)/a_b"), "/api/odata4/my_source/Long_name_()/a_b");
    }

    #[test]
    fn what_looks_like_a_token_is_not_logged() {
        let random = "yBbm6L5EPRm4sJjPCXyFZBIEdQeqQcFXPsvAzwCMjD4";
        for word in [
            random,
            &format!("ey{random}"),
            &format!("eysga_{random}"),
            &format!("a.b-{random}"),
            &format!("%79{}", &random[1..]),
        ] {
            for (before, after) in
                [("/", ""), ("/x/", "/y"), ("/a_b/", ""), ("/People(1)/", "/b"), ("/%20", "")]
            {
                let shown = path(&format!("{before}{word}{after}")).into_owned();
                assert!(!shown.contains("Bbm6L5E"), "{before}{word}{after}: {shown}");
            }
        }
        let signed = "/api/odata4/eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJo.c2lnbmF0dXJl";
        assert_eq!(path(signed), "/api/odata4/");
        for shown in [
            "/api/mgmt/oauth/client/applications/eaa595f5-22d0-45d1-bf90-81c9d3164f17",
            "/api/odata4/crm/a_long_name_of_a_table_in_lower_case_2024",
            "/api/odata4/crm/ALongNameOfATableInMixedCaseWithoutNumbers",
            "/.well-known/oauth-protected-resource/api/odata4/harbour",
        ] {
            assert_eq!(path(shown), shown);
        }
    }

    #[test]
    fn paths_cannot_control_a_terminal_or_forge_a_log_line() {
        assert_eq!(path("/a\u{7}b\u{9b}31mc\u{85}d"), "/a?b?31mc?d");
        assert_eq!(path("/a%0Ab%c2%9b"), "/a%0Ab%c2%9b", "what is encoded stays so");
        assert_eq!(path("/a%zzb%2"), "/a%zzb%2");
        assert!(path(&"/é%28".repeat(10_000)).len() <= MOST_LOGGED);
        assert!(path(&format!("/{}", "%25".repeat(10_000))).len() <= MOST_LOGGED);
    }

    #[test]
    fn an_unknown_method_is_not_logged() {
        assert_eq!(method(&http::Method::GET), "GET");
        assert_eq!(method(&"SECRET".parse().unwrap()), "OTHER");
    }
}

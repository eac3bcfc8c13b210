//! Which values an attribute may have.

use url::Url;

use super::{Attribute, LONGEST};
use crate::characters::{self, CharacterFault};

/// The maximum length of an address of a page or a picture in bytes.
const LONGEST_URL: usize = 2048;
/// The maximum length of a mail address in bytes ([RFC 5321
/// §4.5.3.1.3](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3)).
const LONGEST_EMAIL: usize = 254;

/// Why a value is refused; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum AttributeFault {
    #[error("is {0} characters long; at most {LONGEST} are allowed")]
    TooLong(usize),
    #[error(
        "must be an http or https address of at most {LONGEST_URL} bytes, without user name and password"
    )]
    Url,
    #[error("must be a mail address such as ada@example.com")]
    Email,
    #[error("must be a date such as 1815-12-10, a year such as 1815, or 0000-12-10 without the year")]
    Birthdate,
    #[error("must be the name of a time zone such as Europe/Paris")]
    Zoneinfo,
    #[error("must be a language tag such as en-US")]
    Locale,
    #[error("must be a telephone number such as +44 20 7946 0123")]
    PhoneNumber,
    #[error(transparent)]
    Character(#[from] CharacterFault),
}

/// Checks a value that is not empty.
pub(super) fn check(attribute: Attribute, value: &str) -> Result<(), AttributeFault> {
    let (holds, fault) = match attribute {
        Attribute::Profile | Attribute::Picture | Attribute::Website => (is_url(value), AttributeFault::Url),
        Attribute::Email => (is_email(value), AttributeFault::Email),
        Attribute::Birthdate => (is_birthdate(value), AttributeFault::Birthdate),
        Attribute::Zoneinfo => (is_time_zone(value), AttributeFault::Zoneinfo),
        Attribute::Locale => (is_language(value), AttributeFault::Locale),
        Attribute::PhoneNumber => (is_phone_number(value), AttributeFault::PhoneNumber),
        _ => return check_text(value),
    };
    if holds { Ok(()) } else { Err(fault) }
}

fn check_text(value: &str) -> Result<(), AttributeFault> {
    let length = value.chars().count();
    if length > LONGEST { Err(AttributeFault::TooLong(length)) } else { Ok(characters::check(value)?) }
}

fn is_url(value: &str) -> bool {
    let plain = value.len() <= LONGEST_URL && value.bytes().all(|byte| byte.is_ascii_graphic());
    let credentials = |url: &Url| !url.username().is_empty() || url.password().is_some();
    plain && Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && !credentials(&url))
}

fn is_email(value: &str) -> bool {
    let Some((local, host)) = value.rsplit_once('@') else { return false };
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"@".contains(&byte));
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let ends = !local.starts_with('.') && !local.ends_with('.');
    value.len() <= LONGEST_EMAIL
        && (1..=64).contains(&local.len())
        && ends
        && plain(local)
        && plain(host)
        && host.split('.').all(label)
}

/// "represented as an ISO 8601-1 YYYY-MM-DD format. The year MAY be 0000, indicating that it is omitted. To represent only
/// the year, YYYY format is allowed."
fn is_birthdate(value: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = value.split('-');
    let (year, month, day) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if parts.next().is_some() || !digits(year, 4) {
        return false;
    }
    let (Some(month), Some(day)) = (month, day) else { return month.is_none() && year != "0000" };
    if !digits(month, 2) || !digits(day, 2) {
        return false;
    }
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let leap = year == "0000"
        || number(year).is_multiple_of(4)
            && (!number(year).is_multiple_of(100) || number(year).is_multiple_of(400));
    let last = match number(month) {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&number(day))
}

fn is_time_zone(value: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    value.len() <= 64 && value.split('/').all(part)
}

/// A tag of [BCP 47](https://www.rfc-editor.org/rfc/rfc5646); "some implementations have used an underscore as the
/// separator rather than a dash".
fn is_language(value: &str) -> bool {
    let mut parts = value.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    let first = (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let further =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    value.len() <= 35 && first && parts.all(further)
}

/// "E.164 is RECOMMENDED as the format", with an extension in the form of [RFC
/// 3966](https://www.rfc-editor.org/rfc/rfc3966).
fn is_phone_number(value: &str) -> bool {
    let (number, extension) = value.split_once(";ext=").unwrap_or((value, "0"));
    let number = number.strip_prefix('+').unwrap_or(number);
    let separator = |byte: u8| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')');
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    value.len() <= 64
        && (3..=15).contains(&digits)
        && number.bytes().all(|byte| byte.is_ascii_digit() || separator(byte))
        && (1..=15).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(attribute: Attribute, values: &[&str]) {
        for value in values {
            assert!(check(attribute, value).is_err(), "{attribute:?} {value:?}");
        }
    }

    fn accepted(attribute: Attribute, values: &[&str]) {
        for value in values {
            assert_eq!(check(attribute, value), Ok(()), "{attribute:?} {value:?}");
        }
    }

    #[test]
    fn values_of_the_form_that_the_specification_names_are_accepted() {
        accepted(
            Attribute::Email,
            &["janedoe@example.com", "a.b+c@xn--bcher-kva.example", "o'neil@localhost"],
        );
        accepted(Attribute::Birthdate, &["1815-12-10", "0000-10-31", "1990", "2000-02-29", "0000-02-29"]);
        accepted(
            Attribute::Zoneinfo,
            &["Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"],
        );
        accepted(Attribute::Locale, &["en", "en-US", "fr_CA", "zh-Hant-TW"]);
        accepted(
            Attribute::PhoneNumber,
            &["+1 (425) 555-1212", "+56 (2) 687 2400", "+1 (604) 555-1234;ext=5678"],
        );
        accepted(Attribute::Picture, &["http://example.com/janedoe/me.jpg", "https://example.com/?q=1"]);
        accepted(Attribute::GivenName, &["Ada", "José", "山田"]);
    }

    #[test]
    fn other_values_are_refused() {
        refused(
            Attribute::Email,
            &["a", "@b", "a@", "a b@c", "a@b@c", ".a@b", "a@b..c", "a@-b", "<a@b>", "ä@b"],
        );
        refused(
            Attribute::Birthdate,
            &[
                "0000",
                "1815-13-10",
                "1815-02-30",
                "1900-02-29",
                "15-1-1",
                "1815-1-01",
                "x",
                "1815-12",
                "1-2-3-4",
            ],
        );
        refused(Attribute::Zoneinfo, &["", "/", "Europe/", "Europe Paris", "../../etc"]);
        refused(Attribute::Locale, &["", "e", "en-", "en US", "123", "en-superlongtag"]);
        refused(Attribute::PhoneNumber, &["", "+", "12", "call me", "+1;ext=", "1234567890123456"]);
        refused(
            Attribute::Picture,
            &["javascript:alert(1)", "/me.jpg", "https://a:b@example.com/", "data:x"],
        );
        refused(Attribute::GivenName, &["a\u{0}", "a\nb", "\u{202e}a", &"x".repeat(257)]);
    }
}

//! The characters that a name or a text may contain, and how a stored one is shown.
//!
//! One table applies to all names and texts: those of applications, users, roles and data sources, their
//! descriptions and contacts. It is based on the Unicode categories, so that no list of single characters has
//! to be complete; see `docs/decisions/characters.md`.

use std::borrow::Cow;

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::built_in_users::BUILT_IN_USERS;

mod imitation;
mod scripts;

/// A fault of a character in a text; the message follows the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CharacterFault {
    /// A control character.
    #[error("must not contain control characters, such as U+{0:04X}")]
    Control(u32),
    /// A character that is invisible, or that changes how the text around it is shown.
    #[error("must not contain U+{0:04X}, which is invisible")]
    Invisible(u32),
    /// A character that looks different, or is not shown at all, depending on the device.
    #[error("must not contain U+{0:04X}, which has no common meaning on all devices")]
    Meaningless(u32),
    /// A check mark, which people take for a sign that the server has verified something.
    #[error("must not contain U+{0:04X}: a check mark looks as if this server had verified something")]
    CheckMark(u32),
    /// Too many marks on one letter, which would cover the text around it.
    #[error("must not have more than {MOST_MARKS} marks on one letter")]
    TooManyMarks,
    /// A name that starts with a mark, which would be placed on the text before the name.
    #[error("must not start with a combining mark")]
    BeginsWithMark,
    /// A space in a name that looks like the plain one.
    #[error("must not contain U+{0:04X}; use a plain space")]
    Blank(u32),
    /// A name that can be mistaken for the server's own.
    #[error("must not contain the name of this server, Sluicegate, or a look-alike")]
    Imitation,
    /// A word that mixes scripts whose letters can be mistaken for each other.
    #[error(
        "must not mix scripts within a word: U+{0:04X} belongs to a different script than the letters before it"
    )]
    MixedScripts(u32),
    /// A name that can be mistaken for that of an operator of the server.
    #[error(
        "must not look like the name of an operator of this server, such as Administrator, System or Support"
    )]
    InCharge,
    /// A name that can be mistaken for a built-in user.
    #[error("must not look like {0}, a built-in user")]
    BuiltInUser(&'static str),
}

/// The maximum number of marks on one letter; the orthographies of the world need three.
const MOST_MARKS: usize = 4;

/// Checks that a text may be stored. The caller decides whether line breaks and tabs are allowed.
///
/// # Errors
/// The first fault.
pub fn check(text: &str) -> Result<(), CharacterFault> {
    scan(text, |fault, _| fault.map_or(Ok(()), Err))
}

/// Checks that a name may be stored: a text that cannot be mistaken for another name.
///
/// # Errors
/// The first fault.
pub fn check_name(name: &str) -> Result<(), CharacterFault> {
    check(name)?;
    if name.chars().next().is_some_and(is_mark) {
        return Err(CharacterFault::BeginsWithMark);
    }
    // The ideographic space is as wide as a letter; no other special space is common in names.
    let blank = name.chars().find(|c| c.is_whitespace() && !matches!(c, ' ' | '\u{3000}'));
    if let Some(blank) = blank {
        return Err(CharacterFault::Blank(blank.into()));
    }
    if imitation::contains_server_name(name) {
        return Err(CharacterFault::Imitation);
    }
    scripts::stray(name).map_or(Ok(()), |letter| Err(CharacterFault::MixedScripts(letter.into())))
}

/// Checks the name of an application: it must not be mistaken for this server, for its operator, or for a
/// built-in user.
///
/// # Errors
/// The first fault.
pub fn check_name_of_application(name: &str) -> Result<(), CharacterFault> {
    check_name_of_user(name)?;
    built_in_user_seen_in(name).map_or(Ok(()), |known| Err(CharacterFault::BuiltInUser(known)))
}

/// Checks the name of a user: the rules are those for applications, except that the [`BUILT_IN_USERS`] keep
/// their names.
///
/// # Errors
/// The first fault.
pub fn check_name_of_user(name: &str) -> Result<(), CharacterFault> {
    check_name(name)?;
    if imitation::is_of_an_operator(name) {
        return Err(CharacterFault::InCharge);
    }
    match built_in_user_seen_in(name) {
        Some(known) if name.to_lowercase() != known => Err(CharacterFault::BuiltInUser(known)),
        _ => Ok(()),
    }
}

fn built_in_user_seen_in(name: &str) -> Option<&'static str> {
    BUILT_IN_USERS.into_iter().find(|known| imitation::looks_like(name, known))
}

/// A stored text as a page shows it: everything that [`check`] would refuse is shown as U+FFFD. Line breaks
/// become spaces.
pub fn shown(text: &str) -> Cow<'_, str> {
    // Almost every text is plain.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let never: Result<(), std::convert::Infallible> = scan(text, |fault, c| {
        safe.push(match c {
            '\n' | '\r' | '\t' => ' ',
            _ if fault.is_some() => char::REPLACEMENT_CHARACTER,
            c => c,
        });
        Ok(())
    });
    match never {
        Ok(()) => Cow::Owned(safe),
    }
}

/// Visits each character with its fault at that position.
fn scan<E>(
    text: &str,
    mut visit: impl FnMut(Option<CharacterFault>, char) -> Result<(), E>,
) -> Result<(), E> {
    let mut marks = 0;
    for (at, c) in text.char_indices() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        let fault = match fault_of(c) {
            Some(CharacterFault::Invisible(_)) if is_joiner_in_place(text, at, c) => None,
            None if marks > MOST_MARKS => Some(CharacterFault::TooManyMarks),
            fault => fault,
        };
        visit(fault, c)?;
    }
    Ok(())
}

/// The fault of the character at any position.
fn fault_of(c: char) -> Option<CharacterFault> {
    use GeneralCategory as Category;
    let number = u32::from(c);
    match category(c) {
        Category::Control => Some(CharacterFault::Control(number)),
        Category::Format | Category::LineSeparator | Category::ParagraphSeparator => {
            Some(CharacterFault::Invisible(number))
        }
        Category::Unassigned | Category::PrivateUse | Category::Surrogate => {
            Some(CharacterFault::Meaningless(number))
        }
        _ if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) => {
            Some(CharacterFault::Invisible(number))
        }
        _ => match c {
            // The Braille pattern without dots, and the note without a head.
            '\u{2800}' | '\u{1D159}' => Some(CharacterFault::Invisible(number)),
            // Signs that a character was lost or replaced.
            '\u{FFFC}' | '\u{FFFD}' => Some(CharacterFault::Meaningless(number)),
            _ if CHECK_MARKS.contains(&c) => Some(CharacterFault::CheckMark(number)),
            _ => None,
        },
    }
}

/// Characters that are check marks by their Unicode names, and the root sign, which is used as one.
const CHECK_MARKS: [char; 10] = [
    '\u{221A}',
    '\u{237B}',
    '\u{2611}',
    '\u{2705}',
    '\u{2713}',
    '\u{2714}',
    '\u{10102}',
    '\u{1F5F8}',
    '\u{1F5F9}',
    '\u{1FBB1}',
];

/// Whether a joiner is at a position where the orthography of its script needs it ([RFC 5892 appendix A.1,
/// A.2](https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1)): after a virama, or, for the non-joiner,
/// between letters that would join.
fn is_joiner_in_place(text: &str, at: usize, c: char) -> bool {
    if !matches!(c, '\u{200C}' | '\u{200D}') {
        return false;
    }
    let (before, after) = text.split_at(at);
    if before.chars().next_back().is_some_and(is_virama) {
        return true;
    }
    let joining = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let is_letter = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let before = before.chars().rev().map(|c| joining(&c)).find(is_letter);
    let after = after.chars().skip(1).map(|c| joining(&c)).find(is_letter);
    c == '\u{200C}'
        && matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    !c.is_ascii() && matches!(category(c), NonspacingMark | SpacingMark | EnclosingMark)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

#[cfg(test)]
mod tests;

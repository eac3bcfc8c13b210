//! Which characters a name or text that somebody gives may hold, and how a stored one is shown.
//!
//! One table for every name and text: applications, users, roles, data sources, their descriptions and contacts. It stands on
//! the categories of the Unicode standard, so that no list of single characters has to be complete; see
//! `docs/decisions/characters.md`.

use std::borrow::Cow;

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::account::BUILT_IN_USERS;

mod imitation;
mod scripts;

/// What is wrong with the characters of a text; displayed to follow the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CharacterFault {
    /// A control character.
    #[error("must not contain control characters, such as U+{0:04X}")]
    Control(u32),
    /// Something that is not seen, or that changes how the text around it is seen.
    #[error("must not contain U+{0:04X}, which cannot be seen")]
    Invisible(u32),
    /// Something that looks different, or not at all, from one device to the next.
    #[error("must not contain U+{0:04X}, which has no meaning that all devices share")]
    Meaningless(u32),
    /// A check mark, which people take for a sign of the server that it has looked.
    #[error("must not contain U+{0:04X}: a check mark looks as if this server had verified something")]
    CheckMark(u32),
    /// So many marks on one letter that they cover what stands around it.
    #[error("must not have more than {MOST_MARKS} marks on one letter")]
    TooManyMarks,
    /// A name that begins with a mark, which would sit on what stands before the name.
    #[error("must not begin with a mark that belongs on a letter")]
    BeginsWithMark,
    /// A blank in a name that looks like the plain one.
    #[error("must not contain U+{0:04X}; use a plain blank")]
    Blank(u32),
    /// A name that can be taken for the server's own.
    #[error("must not contain the name of this server, Sluicegate, or what looks like it")]
    Imitation,
    /// A word of several scripts, where the letters of one can be taken for those of the other.
    #[error("must not mix scripts within a word: U+{0:04X} is of another script than the letters before it")]
    MixedScripts(u32),
    /// A name that can be taken for somebody in charge of the server.
    #[error("must not be taken for whoever runs this server, as Administrator, System or Support would be")]
    InCharge,
    /// A name that can be taken for a user of every installation.
    #[error("must not look like {0}, a user of every installation")]
    BuiltInUser(&'static str),
}

/// The most marks on one letter; the orthographies of the world need three.
const MOST_MARKS: usize = 4;

/// Whether a text may be kept. Line breaks and tabulators are for the caller to allow.
///
/// # Errors
/// The first fault.
pub fn check(text: &str) -> Result<(), CharacterFault> {
    scan(text, |fault, _| fault.map_or(Ok(()), Err))
}

/// Whether a name may be kept: a text that cannot be taken for another name.
///
/// # Errors
/// The first fault.
pub fn check_name(name: &str) -> Result<(), CharacterFault> {
    check(name)?;
    if name.chars().next().is_some_and(is_mark) {
        return Err(CharacterFault::BeginsWithMark);
    }
    // The ideographic blank is as wide as a letter, and no other one is common in a name.
    let blank = name.chars().find(|c| c.is_whitespace() && !matches!(c, ' ' | '\u{3000}'));
    if let Some(blank) = blank {
        return Err(CharacterFault::Blank(blank.into()));
    }
    if imitation::is_of_this_server(name) {
        return Err(CharacterFault::Imitation);
    }
    scripts::stray(name).map_or(Ok(()), |letter| Err(CharacterFault::MixedScripts(letter.into())))
}

/// Whether an application may have the name: one by which nobody takes it for this server, for who runs it, or for a user of
/// every installation.
///
/// # Errors
/// The first fault.
pub fn check_name_of_application(name: &str) -> Result<(), CharacterFault> {
    check_name_of_user(name)?;
    built_in_user_seen_in(name).map_or(Ok(()), |known| Err(CharacterFault::BuiltInUser(known)))
}

/// Whether a user may have the name: as for an application, save that the [`BUILT_IN_USERS`] have theirs.
///
/// # Errors
/// The first fault.
pub fn check_name_of_user(name: &str) -> Result<(), CharacterFault> {
    check_name(name)?;
    if imitation::is_of_who_is_in_charge(name) {
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

/// A stored text as a page shows it: what [`check`] would refuse is seen as U+FFFD. Line breaks become blanks.
pub fn shown(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain.
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

/// Visits each character with what is wrong with it there.
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

/// What is wrong with the character wherever it stands.
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
            // A letter of Braille without a dot, and a note without a head.
            '\u{2800}' | '\u{1D159}' => Some(CharacterFault::Invisible(number)),
            // Signs that a character was lost, or that something else stands here.
            '\u{FFFC}' | '\u{FFFD}' => Some(CharacterFault::Meaningless(number)),
            _ if CHECK_MARKS.contains(&c) => Some(CharacterFault::CheckMark(number)),
            _ => None,
        },
    }
}

/// Check marks by their names in the Unicode standard, and the root sign that is used as one.
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

/// Whether a joiner stands where the orthography of its script needs it
/// ([RFC 5892 appendix A.1, A.2](https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1)): after a virama, and without joining also
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

//! Case-insensitive comparison of names.

use crate::text::{nfc, nfd};

/// Returns the folded form of a name. Two names are equal ignoring case if their folded forms are equal.
///
/// Each character is converted to upper case and then to lower case, so that characters with several
/// lower-case forms (`σ`, `ς`), with a two-letter upper case (`ß`) or with a look-alike (the Kelvin sign)
/// have one form. The same letters in different Unicode normal forms (`ü` as one character or as two) are the
/// same name.
pub fn fold_name(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let folded = fold_as_typed(&nfc(name));
    match nfc(&folded) {
        std::borrow::Cow::Borrowed(_) => folded,
        std::borrow::Cow::Owned(normal) => normal,
    }
}

/// The forms under which a user's name may be stored, the most likely first. Earlier versions folded names
/// without normalising them; such a user is found however the name is typed. Usually there is one form.
pub fn name_forms(name: &str) -> Vec<String> {
    if name.is_ascii() {
        return vec![name.to_ascii_lowercase()];
    }
    let mut forms = vec![fold_as_typed(name)];
    for other in [fold_name(name), fold_as_typed(&nfd(name))] {
        if !forms.contains(&other) {
            forms.push(other);
        }
    }
    forms
}

fn fold_as_typed(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_fold_to_the_same() {
        for (one, other) in [
            ("Ada", "aDA"),
            ("D2CAdmin", "d2cadmin"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Straße", "STRASSE"),
            ("\u{212a}elvin", "Kelvin"),
        ] {
            assert_eq!(fold_name(one), fold_name(other));
        }
        assert_ne!(fold_name("ada"), fold_name("adä"));
    }

    #[test]
    fn names_that_differ_in_normal_form_alone_fold_to_the_same() {
        for (one, other) in
            [("Müller", "MU\u{308}LLER"), ("\u{1e69}", "s\u{307}\u{323}"), ("가", "\u{1100}\u{1161}")]
        {
            assert_eq!(fold_name(one), fold_name(other));
            assert_eq!(fold_name(&fold_name(one)), fold_name(one));
        }
    }

    #[test]
    fn a_name_is_looked_for_as_it_was_once_stored_too() {
        let (composed, decomposed) = ("müller", "mu\u{308}ller");
        assert_eq!(name_forms("Ada"), ["ada"]);
        assert_eq!(name_forms("Müller"), [composed, decomposed]);
        assert_eq!(name_forms("Mu\u{308}ller"), [decomposed, composed]);
    }
}

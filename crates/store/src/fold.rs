//! How names are compared without case.

/// The form under which names are compared without case: two names are the same when this is the same.
///
/// Each character by itself is raised, then lowered, so that characters with several small forms (`σ`, `ς`), with a
/// capital of two letters (`ß`) or with a look-alike of another script's making (the Kelvin sign) meet in one form.
pub fn fold_name(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::fold_name;

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
}

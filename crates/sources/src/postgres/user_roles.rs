//! The roles of the database whose rights users have.

use std::collections::BTreeMap;

use domain::fold::fold_name;

use crate::options::{refuse_twins, shown};
use odata::named_members::NamedMembers;

/// The option with the role of each user: `{"ada": "sales_north", "*": "guests"}`.
pub(super) const USER_ROLES: &str = "UserRoles";

/// All users that are not named.
const OTHERS: &str = "*";

/// The maximum length of a name of PostgreSQL in bytes; the server cuts longer ones.
const LONGEST_NAME: usize = 63;

/// The role of each user by name, folded as when somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserRoles(BTreeMap<String, String>);

impl UserRoles {
    /// Reads the option.
    ///
    /// # Errors
    /// A description of the fault, as the end of a sentence.
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        let shape = "must be an object of roles, such as {\"ada\": \"sales_north\", \"*\": \"guests\"}";
        let members: NamedMembers<String> = serde_json::from_str(json).map_err(|_| shape.to_owned())?;
        refuse_twins(&members, fold_name)?;
        let mut roles = BTreeMap::new();
        for (user, role) in members.iter() {
            let is_name =
                !role.is_empty() && role.len() <= LONGEST_NAME && !role.chars().any(char::is_control);
            if !is_name {
                return Err(format!("must name a role of 1 to {LONGEST_NAME} bytes for {}", shown(user)));
            }
            // `SET ROLE none` is the end of a role.
            if role.eq_ignore_ascii_case("none") {
                return Err(format!("must name a role for {}, and {role} is none", shown(user)));
            }
            roles.insert(fold_name(user), role.clone());
        }
        if roles.is_empty() { Err(shape.to_owned()) } else { Ok(Self(roles)) }
    }

    /// The role of a user.
    pub(super) fn of(&self, user: &str) -> Option<&str> {
        // Nobody is called so, but a name must not stand for everybody.
        let own = (user != OTHERS).then(|| self.0.get(&fold_name(user))).flatten();
        own.or_else(|| self.0.get(OTHERS)).map(String::as_str)
    }
}

/// Whether the text is such an option.
///
/// # Errors
/// A description of the fault, as the end of a sentence.
pub(super) fn check_user_roles(json: &str) -> Result<(), String> {
    UserRoles::parse(json).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_the_own_role_or_that_of_all_others() {
        let roles = UserRoles::parse(r#"{"Ada": "north", "*": "guests"}"#).unwrap();
        for (user, role) in [("ada", "north"), ("ADA", "north"), ("bob", "guests"), ("*", "guests")] {
            assert_eq!(roles.of(user), Some(role), "{user}");
        }
        assert_eq!(UserRoles::parse(r#"{"ada": "north"}"#).unwrap().of("bob"), None);
    }

    #[test]
    fn names_are_the_same_as_when_somebody_signs_in() {
        let roles = r#"{"Straße": "a", "M\u00fcller": "b", "ΣΊΣΥΦΟΣ": "c", "Kelvin": "d", "*": "e"}"#;
        let roles = UserRoles::parse(roles).unwrap();
        for (user, role) in [
            ("STRASSE", "a"),
            ("mu\u{308}ller", "b"),
            ("σίσυφος", "c"),
            ("\u{212a}elvin", "d"),
            ("Strase", "e"),
        ] {
            assert_eq!(roles.of(user), Some(role), "{user}");
        }
        let twins = UserRoles::parse("{\"Müller\": \"a\", \"mu\u{308}ller\": \"b\"}").unwrap_err();
        assert!(twins.contains("the same name"), "{twins}");
    }

    #[test]
    fn what_names_no_role_is_refused() {
        let shape = "must be an object of roles, such as {\"ada\": \"sales_north\", \"*\": \"guests\"}";
        for (json, fault) in [
            ("", shape),
            ("[]", shape),
            ("{}", shape),
            (r#"{"ada": 1}"#, shape),
            (r#"{"ada": ""}"#, "must name a role of 1 to 63 bytes for ada"),
            (r#"{"ada": "a\u0000b"}"#, "must name a role of 1 to 63 bytes for ada"),
            (r#"{"ada": "NONE"}"#, "must name a role for ada, and NONE is none"),
            (r#"{"ada": "a", "Ada": "b"}"#, "names ada and Ada, which are the same name here"),
        ] {
            assert_eq!(UserRoles::parse(json), Err(fault.to_owned()), "{json}");
        }
        assert!(UserRoles::parse(&format!(r#"{{"ada": "{}"}}"#, "a".repeat(64))).is_err());
    }
}

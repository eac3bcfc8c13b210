//! Names of data sources, how many users may share one, and the members of groups.

use crate::id::DataSourceId;

/// The maximum number of characters in the name of a data source.
pub const LONGEST_NAME: usize = 128;

/// The maximum number of users with whom a data source is shared.
pub const MOST_SHARED_USERS: usize = 1_000;

/// The number that a group has in place of that of a kind of database.
pub const GROUP_STORE: i64 = 0;

/// The maximum number of members of a group.
pub const MOST_MEMBERS: usize = 100;

/// The maximum number of characters in a prefix, as in Hybrid Data Pipeline.
pub const LONGEST_PREFIX: usize = 64;

/// A data source in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The data source.
    pub source: DataSourceId,
    /// With an underscore it precedes the names of the entity sets of the data source in the group.
    pub prefix: String,
}

impl GroupMember {
    /// The name without what precedes it in the group; `None` if it is that of no entity set of this member.
    pub fn own_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.prefix.as_str())?.strip_prefix('_')
    }

    /// Whether a name could be that of an entity set of either. That is so if one prefix continues the other after an underscore,
    /// as in `east` and `east_2`. Case does not count, so that people can tell the names apart.
    pub fn clashes_with(&self, other: &Self) -> bool {
        let (one, other) = (self.preceding_text(), other.preceding_text());
        one.starts_with(&other) || other.starts_with(&one)
    }

    fn preceding_text(&self) -> String {
        format!("{}_", self.prefix.to_ascii_lowercase())
    }
}

/// Why a text cannot be a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PrefixFault {
    #[error("must be 1 to 64 characters long")]
    Length,
    #[error("must start with a letter, and may only contain letters, digits and underscores")]
    Character,
}

/// Checks that the text may be a prefix: the start of a name in a model.
///
/// # Errors
/// The first fault.
pub fn check_prefix(prefix: &str) -> Result<(), PrefixFault> {
    if !(1..=LONGEST_PREFIX).contains(&prefix.chars().count()) {
        return Err(PrefixFault::Length);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = prefix.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts_well && prefix.bytes().all(allowed) { Ok(()) } else { Err(PrefixFault::Character) }
}

/// Why a text cannot name a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum DataSourceNameFault {
    #[error("must not be empty")]
    Empty,
    #[error("is {0} characters long; at most 128 are allowed")]
    TooLong(usize),
    #[error("may only contain letters, digits, underscores and dashes, because it is part of URLs")]
    Character,
}

/// Checks that the text may be the name of a data source.
///
/// # Errors
/// The first fault.
pub fn check_name(name: &str) -> Result<(), DataSourceNameFault> {
    if name.is_empty() {
        return Err(DataSourceNameFault::Empty);
    }
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return Err(DataSourceNameFault::TooLong(length));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.bytes().all(allowed) { Ok(()) } else { Err(DataSourceNameFault::Character) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_start_of_a_name() {
        for prefix in ["east", "E2_", &"a".repeat(64)] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix}");
        }
        assert_eq!(check_prefix(""), Err(PrefixFault::Length));
        assert_eq!(check_prefix(&"a".repeat(65)), Err(PrefixFault::Length));
        for prefix in ["2", "_a", "a-b", "a b", "ä", "a.b"] {
            assert_eq!(check_prefix(prefix), Err(PrefixFault::Character), "{prefix}");
        }
    }

    #[test]
    fn no_name_belongs_to_two_members_whose_prefixes_do_not_clash() {
        let member = |prefix: &str| GroupMember { source: DataSourceId::new(1), prefix: prefix.to_owned() };
        for (one, other, clash) in [
            ("east", "west", false),
            ("east", "easter", false),
            ("east", "East", true),
            ("east", "east_2", true),
            ("east_2", "east", true),
            ("east_", "east", true),
            ("a_b", "a_c", false),
        ] {
            assert_eq!(member(one).clashes_with(&member(other)), clash, "{one} {other}");
        }
        assert_eq!(member("east").own_name("east_Orders"), Some("Orders"));
        assert_eq!(member("east").own_name("eastOrders"), None);
        assert_eq!(member("east").own_name("East_Orders"), None);
    }

    #[test]
    fn names_need_no_escaping_in_urls() {
        assert_eq!(check_name("harbour-2_b"), Ok(()));
        assert_eq!(check_name(""), Err(DataSourceNameFault::Empty));
        assert_eq!(check_name(&"a".repeat(129)), Err(DataSourceNameFault::TooLong(129)));
        for name in ["a b", "a/b", "ä", "..", "a%41"] {
            assert_eq!(check_name(name), Err(DataSourceNameFault::Character), "{name}");
        }
    }
}

//! Names of data sources, and how many users may share one.

/// The maximum number of characters in the name of a data source.
pub const LONGEST_NAME: usize = 128;

/// The maximum number of users with whom a data source is shared.
pub const MOST_SHARED_USERS: usize = 1_000;

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
    fn names_need_no_escaping_in_urls() {
        assert_eq!(check_name("harbour-2_b"), Ok(()));
        assert_eq!(check_name(""), Err(DataSourceNameFault::Empty));
        assert_eq!(check_name(&"a".repeat(129)), Err(DataSourceNameFault::TooLong(129)));
        for name in ["a b", "a/b", "ä", "..", "a%41"] {
            assert_eq!(check_name(name), Err(DataSourceNameFault::Character), "{name}");
        }
    }
}

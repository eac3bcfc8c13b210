//! One-time links: whoever follows one chooses the password of an account, without the current one.

use crate::id::{Epoch, OneTimeLinkId, UserId};
use crate::time::Timestamp;

const DAY_SECS: i64 = 86_400;

/// The maximum length of the address of the request that waits for the user, in bytes. A longer one is not kept.
pub const LONGEST_CONTINUE_TO: usize = 4_000;

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $words:literal, $secs:expr;)+) => {
        /// Why somebody gets a one-time link. A new one of an administrator ends the earlier ones of the same purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum LinkPurpose {
            $($(#[$doc])* $name),+
        }

        impl LinkPurpose {
            /// Every purpose.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stored and displayed name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The purpose with that name, if any.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)+ _ => None }
            }

            /// What the link is, in words.
            pub const fn in_words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }

            /// How long a link is valid, in seconds.
            pub const fn lifetime_secs(self) -> i64 {
                match self { $(Self::$name => $secs),+ }
            }
        }
    };
}

purposes! {
    /// An administrator invites a person, who chooses the first password.
    Invitation = "invitation", "an invitation", 7 * DAY_SECS;
    /// An administrator lets a user choose a new password.
    Reset = "reset", "a link of an administrator for a new password", DAY_SECS;
    /// A user has forgotten the password.
    Forgotten = "forgotten", "a link for a forgotten password", 3_600;
}

impl LinkPurpose {
    /// Whether an administrator makes the link. Such a link also renews a password that has expired.
    pub const fn is_of_administrator(self) -> bool {
        matches!(self, Self::Invitation | Self::Reset)
    }
}

/// A stored one-time link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    /// The id.
    pub id: OneTimeLinkId,
    /// Whose password it sets.
    pub user: UserId,
    /// The user's epoch when it was made; it ends with that.
    pub user_epoch: Epoch,
    /// Why it was made.
    pub purpose: LinkPurpose,
    /// Who made it; `None` for the command line and for the user.
    pub created_by: Option<UserId>,
    /// The mail address to which it was sent; whoever follows it reads the mail of that address.
    pub sent_to: Option<String>,
    /// The path and query of the request that waits for the user, if any.
    pub continue_to: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_name() {
        for purpose in LinkPurpose::ALL {
            assert_eq!(LinkPurpose::from_name(purpose.as_str()), Some(*purpose));
            assert!((3_600..=7 * DAY_SECS).contains(&purpose.lifetime_secs()), "{purpose:?}");
        }
        assert_eq!(LinkPurpose::from_name("other"), None);
        assert!(!LinkPurpose::Forgotten.is_of_administrator());
    }
}

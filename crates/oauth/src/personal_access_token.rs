//! Personal access tokens: credentials that a person makes for a program that cannot sign in, such as a spreadsheet or a
//! script. They reach data and nothing else.

use domain::characters::{self, CharacterFault};
use domain::id::{DataSourceId, Epoch, PersonalAccessTokenId, UserId};
use domain::time::Timestamp;

use crate::data_access::{self, DataAccess, DataReach};
use crate::scope::{BuiltInScope, ScopeSet};

/// The maximum number of characters of a name.
pub const LONGEST_NAME: usize = 100;
/// The maximum number of personal access tokens of one user.
pub const MOST_OF_A_USER: u32 = 50;
/// How long a token is valid if nobody says otherwise, in days.
pub const DEFAULT_LIFETIME_DAYS: u32 = 90;

const DAY_SECS: i64 = 86_400;

/// A stored personal access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalAccessToken {
    /// The number in paths of the management API.
    pub id: PersonalAccessTokenId,
    /// The user who made it, and on whose behalf it acts.
    pub user: UserId,
    /// The user's epoch when it was made; it is invalid once the user's epoch has advanced.
    pub user_epoch: Epoch,
    /// What the user calls it.
    pub name: String,
    /// What it may be used for: some of [`BuiltInScope::OF_DATA`].
    pub scopes: ScopeSet,
    /// The data that it reaches, if not all that the user may read.
    pub data: Option<Box<DataAccess>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// When it was last used; `None` if it never was.
    pub last_used_at: Option<Timestamp>,
}

impl PersonalAccessToken {
    /// How people see which token is meant: its number and its name.
    pub fn in_words(&self) -> String {
        in_words(self.id, &self.name)
    }

    /// What it reaches of a data source.
    pub fn reach(&self, id: DataSourceId) -> DataReach<'_> {
        data_access::reach_of(self.data.as_deref(), id)
    }

    /// Whether it may change a data source.
    pub fn may_change(&self, id: DataSourceId) -> bool {
        data_access::may_change(&self.scopes, self.data.as_deref(), id)
    }
}

/// How people see which token is meant.
pub fn in_words(id: PersonalAccessTokenId, name: &str) -> String {
    format!("{id} ({name})")
}

/// A token as a person asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonalAccessTokenDraft {
    /// What the person calls it.
    pub name: String,
    /// The number of days for which it is valid; `None` if what was given is no number.
    pub days: Option<u32>,
    /// Whether it reads data over OData.
    pub odata: bool,
    /// Whether agents read data with it.
    pub mcp: bool,
}

/// A token that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalAccessTokenTerms {
    /// What the person calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// Why a token is not made, in words for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonalAccessTokenFault {
    /// The name is empty.
    #[error("give the token a name, so that you recognise it later")]
    NameEmpty,
    /// The name is too long.
    #[error("the name is {0} characters long; at most {LONGEST_NAME} are allowed")]
    NameTooLong(usize),
    /// The name has a character that it must not have.
    #[error("the name {0}")]
    NameCharacter(CharacterFault),
    /// The number of days is missing or out of range.
    #[error("the token must be valid for 1 to {0} days")]
    Days(u32),
    /// It would be of no use.
    #[error("choose what the token is for: OData, agents or both")]
    Nothing,
    /// Only over OData data can be changed.
    #[error("data can be changed over OData only; tick that too, or untick the box for changes")]
    ChangesWithoutOData,
}

/// What a draft asks for, or all its faults. `changes` is whether it may change some of the data that were chosen.
///
/// # Errors
/// At least one fault.
pub fn terms(
    draft: &PersonalAccessTokenDraft,
    changes: bool,
    most_days: u32,
    now: Timestamp,
) -> Result<PersonalAccessTokenTerms, Vec<PersonalAccessTokenFault>> {
    let name = draft.name.trim();
    let days = draft.days.filter(|days| (1..=most_days).contains(days));
    let mut faults: Vec<_> = name_fault(name).into_iter().collect();
    if days.is_none() {
        faults.push(PersonalAccessTokenFault::Days(most_days));
    }
    if !draft.odata && !draft.mcp {
        faults.push(PersonalAccessTokenFault::Nothing);
    } else if changes && !draft.odata {
        faults.push(PersonalAccessTokenFault::ChangesWithoutOData);
    }
    match days {
        Some(days) if faults.is_empty() => Ok(PersonalAccessTokenTerms {
            name: name.to_owned(),
            scopes: scopes(draft, changes),
            expires_at: now.plus_secs(i64::from(days) * DAY_SECS),
        }),
        _ => Err(faults),
    }
}

fn name_fault(name: &str) -> Option<PersonalAccessTokenFault> {
    let length = name.chars().count();
    match length {
        0 => Some(PersonalAccessTokenFault::NameEmpty),
        _ if length > LONGEST_NAME => Some(PersonalAccessTokenFault::NameTooLong(length)),
        _ => characters::check(name).err().map(PersonalAccessTokenFault::NameCharacter),
    }
}

/// Reading has a scope of its own, so that a token that only reads is seen to.
fn scopes(draft: &PersonalAccessTokenDraft, changes: bool) -> ScopeSet {
    let odata = if changes { BuiltInScope::OData } else { BuiltInScope::ODataRead };
    let chosen = [(draft.odata, odata), (draft.mcp, BuiltInScope::Mcp)];
    chosen.into_iter().filter(|(is_chosen, _)| *is_chosen).map(|(_, scope)| scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn draft() -> PersonalAccessTokenDraft {
        PersonalAccessTokenDraft { name: " Excel ".to_owned(), days: Some(90), odata: true, mcp: false }
    }

    #[test]
    fn a_token_reads_unless_changes_were_chosen() {
        let made = terms(&draft(), false, 366, NOW).unwrap();
        let expected = PersonalAccessTokenTerms {
            name: "Excel".to_owned(),
            scopes: BuiltInScope::ODataRead.into(),
            expires_at: NOW.plus_secs(90 * 86_400),
        };
        assert_eq!(made, expected);
        let changing = terms(&PersonalAccessTokenDraft { mcp: true, ..draft() }, true, 366, NOW).unwrap();
        assert_eq!(changing.scopes, [BuiltInScope::OData, BuiltInScope::Mcp].into_iter().collect());
    }

    #[test]
    fn every_fault_is_told() {
        use PersonalAccessTokenFault::{ChangesWithoutOData, Days, NameEmpty, NameTooLong, Nothing};
        let empty = PersonalAccessTokenDraft { name: " ".to_owned(), days: None, odata: false, mcp: false };
        assert_eq!(terms(&empty, false, 30, NOW), Err(vec![NameEmpty, Days(30), Nothing]));
        for (draft, changes, fault) in [
            (PersonalAccessTokenDraft { days: Some(31), ..draft() }, false, Days(30)),
            (PersonalAccessTokenDraft { days: Some(0), ..draft() }, false, Days(30)),
            (
                PersonalAccessTokenDraft { name: "x".repeat(101), days: Some(1), ..draft() },
                false,
                NameTooLong(101),
            ),
            (
                PersonalAccessTokenDraft { odata: false, mcp: true, days: Some(1), ..draft() },
                true,
                ChangesWithoutOData,
            ),
        ] {
            assert_eq!(terms(&draft, changes, 30, NOW), Err(vec![fault]), "{draft:?}");
        }
        let hidden = PersonalAccessTokenDraft { name: "a\u{202e}b".to_owned(), days: Some(30), ..draft() };
        assert!(terms(&hidden, false, 30, NOW).is_err());
    }
}

//! Initial access tokens, which allow clients to register themselves ([RFC 7591
//! §1.2](https://www.rfc-editor.org/rfc/rfc7591#section-1.2)).

use domain::characters::{self, CharacterFault};
use domain::id::{InitialAccessTokenId, UserId};
use domain::time::Timestamp;

/// The maximum number of characters of a description.
pub const LONGEST_TOKEN_DESCRIPTION: usize = 256;
/// How long a token is valid if nobody says otherwise, in seconds: a day.
pub const DEFAULT_TOKEN_LIFETIME_SECS: i64 = 86_400;
/// How long a token can be valid, in seconds: 366 days.
pub const LONGEST_TOKEN_LIFETIME_SECS: i64 = 366 * 86_400;
/// How many clients can register with a token whose uses are limited.
pub const MOST_TOKEN_USES: i64 = 1_000_000;

/// A stored initial access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialAccessToken {
    /// The number in paths of the management API.
    pub id: InitialAccessTokenId,
    /// For whom it is; may be empty.
    pub description: String,
    /// The Administrator who created it, to whom the clients belong.
    pub created_by: UserId,
    /// That user's name; `None` if the user was deleted.
    pub created_by_name: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// How many clients may register with it; `None` for any number.
    pub most_uses: Option<u32>,
    /// How many have.
    pub uses: u32,
}

impl InitialAccessToken {
    /// How people see which token is meant: its number, and the description if there is one.
    pub fn name(&self) -> String {
        Self::name_of(self.id, &self.description)
    }

    /// The name of a token with this number and description.
    pub fn name_of(id: InitialAccessTokenId, description: &str) -> String {
        if description.is_empty() { id.to_string() } else { format!("{id} ({description})") }
    }
}

/// A token as an Administrator asks for it. An omitted member has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitialAccessTokenDraft {
    /// For whom it is; at most [`LONGEST_TOKEN_DESCRIPTION`] characters.
    pub description: String,
    /// The first moment at which it is no longer valid; [`DEFAULT_TOKEN_LIFETIME_SECS`] from now if omitted.
    pub expires_at: Option<Timestamp>,
    /// How many clients may register with it: one if omitted, any number if zero.
    pub max_uses: Option<i64>,
}

/// A token that may be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialAccessTokenTerms {
    /// For whom it is; may be empty.
    pub description: String,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// How many clients may register with it; `None` for any number.
    pub most_uses: Option<u32>,
}

/// Why a token is not created; the text follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InitialAccessTokenFault {
    /// The description is too long.
    #[error("is longer than {LONGEST_TOKEN_DESCRIPTION} characters: {0}")]
    TooLong(usize),
    /// The description has a character that it must not have.
    #[error(transparent)]
    Character(#[from] CharacterFault),
    /// The expiry is not after the current time, or too far away.
    #[error("must be a time within the next 366 days")]
    Expiry,
    /// The number of uses is out of range.
    #[error("must be from 1 to {MOST_TOKEN_USES}, or 0 for any number")]
    Uses,
}

/// All faults of a draft, each with the name of its member on the wire, or what may be created.
///
/// # Errors
/// At least one fault.
pub fn initial_access_token(
    draft: &InitialAccessTokenDraft,
    now: Timestamp,
) -> Result<InitialAccessTokenTerms, Vec<(&'static str, InitialAccessTokenFault)>> {
    let description = draft.description.trim();
    let expires_at = draft.expires_at.unwrap_or_else(|| now.plus_secs(DEFAULT_TOKEN_LIFETIME_SECS));
    let latest = now.plus_secs(LONGEST_TOKEN_LIFETIME_SECS);
    let uses = draft.max_uses.unwrap_or(1);
    let mut faults = Vec::new();
    if let Err(fault) = is_a_description(description) {
        faults.push(("description", fault));
    }
    if expires_at <= now || expires_at > latest {
        faults.push(("expiresAt", InitialAccessTokenFault::Expiry));
    }
    if !(0..=MOST_TOKEN_USES).contains(&uses) {
        faults.push(("maxUses", InitialAccessTokenFault::Uses));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let most_uses = u32::try_from(uses).ok().filter(|uses| *uses > 0);
    Ok(InitialAccessTokenTerms { description: description.to_owned(), expires_at, most_uses })
}

fn is_a_description(text: &str) -> Result<(), InitialAccessTokenFault> {
    let length = text.chars().count();
    if length > LONGEST_TOKEN_DESCRIPTION {
        return Err(InitialAccessTokenFault::TooLong(length));
    }
    Ok(characters::check(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn without_members_a_token_is_for_one_client_within_a_day() {
        let terms = initial_access_token(&InitialAccessTokenDraft::default(), NOW);
        let expected = InitialAccessTokenTerms {
            description: String::new(),
            expires_at: NOW.plus_secs(86_400),
            most_uses: Some(1),
        };
        assert_eq!(terms, Ok(expected));
    }

    #[test]
    fn zero_uses_stand_for_any_number() {
        for (asked, expected) in [(0, None), (1, Some(1)), (MOST_TOKEN_USES, Some(1_000_000))] {
            let draft = InitialAccessTokenDraft { max_uses: Some(asked), ..Default::default() };
            assert_eq!(initial_access_token(&draft, NOW).unwrap().most_uses, expected);
        }
    }

    #[test]
    fn every_fault_is_named_with_its_member() {
        let draft = InitialAccessTokenDraft {
            description: "x".repeat(LONGEST_TOKEN_DESCRIPTION + 1),
            expires_at: Some(NOW),
            max_uses: Some(-1),
        };
        let faults = initial_access_token(&draft, NOW).unwrap_err();
        let members: Vec<&str> = faults.into_iter().map(|(member, _)| member).collect();
        assert_eq!(members, ["description", "expiresAt", "maxUses"]);
        for draft in [
            InitialAccessTokenDraft { description: "a\u{202e}b".to_owned(), ..Default::default() },
            InitialAccessTokenDraft {
                expires_at: Some(NOW.plus_secs(LONGEST_TOKEN_LIFETIME_SECS + 1)),
                ..Default::default()
            },
            InitialAccessTokenDraft { max_uses: Some(MOST_TOKEN_USES + 1), ..Default::default() },
        ] {
            assert_eq!(initial_access_token(&draft, NOW).unwrap_err().len(), 1, "{draft:?}");
        }
    }
}

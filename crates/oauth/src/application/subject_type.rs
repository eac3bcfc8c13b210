//! Which applications see the same identifier of a user ([OpenID Connect Core
//! §8](https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes)).

use serde::{Deserialize, Serialize};

/// Whether all applications see the same `sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectType {
    /// All applications see the same one.
    #[default]
    Public,
    /// The applications of each sector see another one.
    Pairwise,
}

impl SubjectType {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::Public, Self::Pairwise];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }

    /// The type with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

//! A refresh token family: the successive tokens of one grant. One of them is valid; the one before it yields
//! the valid one again for a while; any older one revokes the family.

use std::fmt;

use super::Model;

/// The model of one family, whose first token has generation 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Family;

/// The state of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FamilyState {
    /// The generation of the valid token.
    pub newest: u32,
    /// Whether the family was revoked.
    pub ended: bool,
}

/// An operation on a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyAct {
    /// A refresh token is presented.
    Refresh {
        /// Its generation.
        generation: u32,
        /// Whether it may have been replaced longer ago than the grace period, so that it revokes the family.
        late: bool,
    },
    /// An access token of the family is used.
    Use,
    /// The family is revoked.
    Revoke,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyAnswer {
    /// A successor.
    Successor {
        /// The generation of the presented token plus one.
        generation: u32,
        /// The number, from 0, of this token among the distinct successors; there must be only one.
        copy: u32,
    },
    /// Data for an access token, or success for a revocation.
    Granted,
    /// The token is invalid.
    Refused,
}

impl Model for Family {
    type State = FamilyState;
    type Act = FamilyAct;
    type Answer = FamilyAnswer;

    fn start(&self) -> FamilyState {
        FamilyState { newest: 0, ended: false }
    }

    fn after(&self, state: &FamilyState, act: &FamilyAct, answer: Option<&FamilyAnswer>) -> Vec<FamilyState> {
        let ended = FamilyState { ended: true, ..*state };
        let all = match *act {
            FamilyAct::Refresh { generation, late } => refresh(*state, generation, late),
            FamilyAct::Use if state.ended => vec![(FamilyAnswer::Refused, ended)],
            FamilyAct::Use => vec![(FamilyAnswer::Granted, *state)],
            FamilyAct::Revoke => vec![(FamilyAnswer::Granted, ended)],
        };
        all.into_iter()
            .filter(|(answered, _)| answer.is_none_or(|answer| answer == answered))
            .map(|(_, to)| to)
            .collect()
    }
}

fn refresh(state: FamilyState, generation: u32, late: bool) -> Vec<(FamilyAnswer, FamilyState)> {
    let successor = |newest| {
        (FamilyAnswer::Successor { generation: newest, copy: 0 }, FamilyState { newest, ended: false })
    };
    let refused = (FamilyAnswer::Refused, FamilyState { ended: true, ..state });
    match state.newest.checked_sub(generation) {
        // Nobody has a token that was not issued yet.
        None => vec![],
        Some(_) if state.ended => vec![refused],
        Some(0) => vec![successor(generation + 1)],
        Some(1) if late => vec![successor(state.newest), refused],
        Some(1) => vec![successor(state.newest)],
        Some(_) => vec![refused],
    }
}

impl fmt::Display for FamilyAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refresh { generation, late: false } => write!(f, "refresh with token {generation}"),
            Self::Refresh { generation, late: true } => write!(f, "refresh late with token {generation}"),
            Self::Use => f.write_str("use an access token"),
            Self::Revoke => f.write_str("revoke the family"),
        }
    }
}

impl fmt::Display for FamilyAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Successor { generation, copy: 0 } => write!(f, "token {generation}"),
            Self::Successor { generation, copy } => write!(f, "another token {generation} (copy {copy})"),
            Self::Granted => f.write_str("yes"),
            Self::Refused => f.write_str("no"),
        }
    }
}

//! A refresh family: the tokens that follow one another from one grant. One of them lives; the one before it gives the
//! living one again for a while; any older one ends the family.

use std::fmt;

use super::Model;

/// The model of one family whose first token has the generation 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Family;

/// How a family stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FamilyState {
    /// The generation of the living token.
    pub newest: u32,
    /// Whether the family has ended.
    pub ended: bool,
}

/// What is done with a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyAct {
    /// A refresh token is brought.
    Refresh {
        /// Its generation.
        generation: u32,
        /// Whether it may have been replaced for longer than the grace, in which case it ends the family.
        late: bool,
    },
    /// An access token of the family is used.
    Use,
    /// The family is revoked.
    Revoke,
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyAnswer {
    /// A successor.
    Successor {
        /// One more than the generation of the token that was brought.
        generation: u32,
        /// Which of the different successors of that token it is, from 0. There must be one only.
        copy: u32,
    },
    /// Data for an access token; that it is done for a revocation.
    Granted,
    /// That the token is not good.
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
            .filter(|(told, _)| answer.is_none_or(|answer| answer == told))
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

//! An authorization code: it gives tokens once, and whoever brings it again ends them.

use std::fmt;

use super::Model;

/// The model of one code that was issued.
#[derive(Debug, Clone, Copy, Default)]
pub struct Code;

/// How a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeState {
    /// Nobody has redeemed it.
    Fresh,
    /// Somebody has, and what it gave is good.
    Redeemed,
    /// Somebody has, and what it gave has ended.
    Ended,
}

/// What is done with a code and what it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeAct {
    /// It is exchanged for tokens.
    Redeem {
        /// Whether it may have expired by then, which refuses it and ends nothing.
        late: bool,
    },
    /// A token that it gave is used.
    Use,
    /// What it gave is revoked.
    Revoke,
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeAnswer {
    /// Tokens for a code; data for a token; that it is done for a revocation.
    Granted,
    /// That code or token are not good.
    Refused,
}

impl Model for Code {
    type State = CodeState;
    type Act = CodeAct;
    type Answer = CodeAnswer;

    fn start(&self) -> CodeState {
        CodeState::Fresh
    }

    fn after(&self, state: &CodeState, act: &CodeAct, answer: Option<&CodeAnswer>) -> Vec<CodeState> {
        use CodeAnswer::{Granted, Refused};
        use CodeState::{Ended, Fresh, Redeemed};
        let all: &[(CodeAnswer, CodeState)] = match (act, state) {
            (CodeAct::Redeem { late: false }, Fresh) | (CodeAct::Use, Redeemed) => &[(Granted, Redeemed)],
            (CodeAct::Redeem { late: true }, Fresh) => &[(Granted, Redeemed), (Refused, Fresh)],
            (CodeAct::Redeem { late: true }, Redeemed) => &[(Refused, Ended), (Refused, Redeemed)],
            (CodeAct::Redeem { late: false }, Redeemed) | (CodeAct::Redeem { .. } | CodeAct::Use, Ended) => {
                &[(Refused, Ended)]
            }
            (CodeAct::Revoke, Redeemed | Ended) => &[(Granted, Ended)],
            // Nobody has a token before the code was redeemed.
            (CodeAct::Use | CodeAct::Revoke, Fresh) => &[],
        };
        all.iter().filter(|(told, _)| answer.is_none_or(|answer| answer == told)).map(|(_, to)| *to).collect()
    }
}

impl fmt::Display for CodeAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redeem { late: false } => "redeem the code",
            Self::Redeem { late: true } => "redeem the code, which may have expired,",
            Self::Use => "use a token of the code",
            Self::Revoke => "revoke what the code gave",
        })
    }
}

impl fmt::Display for CodeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Granted => "yes",
            Self::Refused => "no",
        })
    }
}

//! An authorization code: it yields tokens once, and presenting it again revokes them.

use std::fmt;

use super::Model;

/// The model of one code that was issued.
#[derive(Debug, Clone, Copy, Default)]
pub struct Code;

/// The state of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeState {
    /// It was not redeemed.
    Fresh,
    /// It was redeemed, and the grant is valid.
    Redeemed,
    /// It was redeemed, and the grant was revoked.
    Ended,
}

/// An operation on a code or on its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeAct {
    /// The code is exchanged for tokens.
    Redeem {
        /// Whether it may have expired by then, so that it is refused and revokes nothing.
        late: bool,
    },
    /// One of its tokens is used.
    Use,
    /// Its grant is revoked.
    Revoke,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeAnswer {
    /// Tokens for a code, data for a token, or success for a revocation.
    Granted,
    /// The code or the token is invalid.
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
        all.iter()
            .filter(|(answered, _)| answer.is_none_or(|answer| answer == answered))
            .map(|(_, to)| *to)
            .collect()
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

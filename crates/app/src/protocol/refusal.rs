//! Why a protocol request was refused.

use oauth::refusal::Refusal;
use store::StoreError;

use crate::Fault;
use crate::node::dpop_proofs::ProofFailure;

/// Why a protocol request was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolRefusal {
    /// A rule of the protocol refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many wrong attempts from this address, or more than one application may make.
    #[error("too many attempts; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which another attempt is accepted.
        retry_after_secs: u32,
    },
    /// The server cannot do this at present; nothing was changed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<ProofFailure> for ProtocolRefusal {
    fn from(failure: ProofFailure) -> Self {
        match failure {
            ProofFailure::Refused(refusal) => Self::Refused(refusal),
            ProofFailure::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<StoreError> for ProtocolRefusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

//! Why a signer gave no answer that can be used.

use std::io;
use std::path::PathBuf;

use crate::frame::FrameFault;
use crate::protocol::{MessageFault, SignerRefusal};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Too many requests wait for the signer.
    #[error("too many requests wait for the signer")]
    Busy,
    /// Nobody answers at the socket.
    #[error("no signer answers at {}", .socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Another user could stand in for the signer.
    #[error("{} cannot be trusted: {why}", .socket.display())]
    Untrusted {
        /// The socket.
        socket: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The signer did not answer in time.
    #[error("the signer did not answer in time")]
    TimedOut,
    /// The connection broke, or the signer sent something else than a message.
    #[error(transparent)]
    Frame(#[from] FrameFault),
    /// The signer sent something else than an answer.
    #[error("the signer sent no answer")]
    Message(#[from] MessageFault),
    /// The signer refused.
    #[error("the signer refused")]
    Refused(#[source] SignerRefusal),
    /// The signer answered another question.
    #[error("the signer answered another question")]
    AnotherAnswer,
}

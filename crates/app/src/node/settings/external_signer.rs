//! The signer of the keys that are outside of this process.

use std::path::PathBuf;
use std::sync::Arc;

use oauth::signing::SigningAlgorithm;
use signer::{Client, ClientLimits};

/// A signer.
#[derive(Debug, Clone)]
pub struct ExternalSigner {
    /// Asks it.
    pub client: Arc<Client>,
    /// The algorithms whose keys it holds.
    pub algorithms: Vec<SigningAlgorithm>,
}

impl ExternalSigner {
    /// The signer at this socket. Nothing is connected yet.
    pub fn at(socket: PathBuf, algorithms: Vec<SigningAlgorithm>, limits: ClientLimits) -> Self {
        Self { client: Arc::new(Client::new(socket, limits)), algorithms }
    }
}

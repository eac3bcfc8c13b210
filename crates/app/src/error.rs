//! Failures that no input causes: the caller gets 503 or 500 in the format of the endpoint.

use store::{StoreError, WithCauses};

/// Why a use case failed. `Display` never prints the cause.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Too many requests are waiting; retry shortly.
    #[error("the server is busy; try again shortly")]
    Busy,
    /// The system database cannot make anything durable at present, so nothing was changed.
    #[error("the server cannot store anything at present; nothing was changed")]
    NotWritable(#[source] StoreError),
    /// The system database does not answer.
    #[error("the server cannot reach its database; try again shortly")]
    Unavailable(#[source] StoreError),
    /// The keys of a trusted issuer cannot be fetched at present.
    #[error("the server cannot fetch the keys of the issuer; try again shortly")]
    KeysUnavailable,
    /// The signer of external keys does not answer, or holds no key that could be used.
    #[error("the server cannot reach the signer of its keys; try again shortly")]
    SignerUnavailable,
    /// An invariant does not hold.
    #[error("the server failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fault {
    /// Logs what could not be done. A failure that a retry may resolve is a warning, because the server
    /// itself is healthy. That the signer does not answer was logged when it began.
    pub fn note(&self, undone: &str) {
        let cause = WithCauses(self);
        match self {
            Self::SignerUnavailable => tracing::debug!(target: "fault", %cause, "{undone}"),
            Self::Broken(_) => tracing::error!(target: "fault", %cause, "{undone}"),
            Self::Busy | Self::NotWritable(_) | Self::Unavailable(_) | Self::KeysUnavailable => {
                tracing::warn!(target: "fault", %cause, "{undone}");
            }
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::NotWritable(_) => Self::NotWritable(error),
            StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::Inconsistent(_) => Self::Broken(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use store::{StoreError, WithCauses};

    use super::Fault;

    #[test]
    fn the_log_contains_every_cause() {
        let fault = Fault::from(StoreError::Unavailable("connection reset by peer".into()));
        let message = WithCauses(&fault).to_string();
        assert!(
            message.starts_with("the server cannot reach its database") && message.ends_with("reset by peer"),
            "{message}"
        );
        assert!(!fault.to_string().contains("reset"));
    }
}

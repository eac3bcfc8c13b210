//! The requests within a batch, in whichever format they came.

use http::{HeaderMap, Method};

/// The maximum number of requests in a batch.
pub(crate) const MOST_PARTS: usize = 100;

/// A request within a batch, whose address and headers are not judged yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// What the client calls it.
    pub(crate) id: Option<String>,
    /// The change set or atomicity group that it belongs to; its members are adjacent.
    pub(crate) group: Option<String>,
    /// The requests that must have succeeded, as positions in the batch; all are before it.
    pub(crate) depends_on: Vec<usize>,
    /// Whether it is to be run on a condition about other responses, which is not supported.
    pub(crate) is_conditional: bool,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    /// The body; `None` if it has none.
    pub(crate) body: Option<Vec<u8>>,
}

/// Why a batch is refused as a whole, as a sentence for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BatchFault(String);

impl BatchFault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(super) fn too_many_parts() -> Self {
        Self(format!("the batch contains more than {MOST_PARTS} requests"))
    }
}

/// Checks that no two requests have the same id, and none that of a group ([Protocol
/// §11.7.3](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_IdentifyingIndividualRequests)).
pub(super) fn have_ids_of_their_own(parts: &[Part]) -> Result<(), BatchFault> {
    let mut seen = std::collections::HashSet::new();
    for id in parts.iter().filter_map(|part| part.id.as_deref()) {
        if !is_id(id) {
            return Err(BatchFault::new(
                "the id of a request consists of 1 to 128 letters, digits, dots, dashes, tildes and underscores",
            ));
        }
        if !seen.insert(id) {
            return Err(BatchFault::new(format!("two requests of the batch have the id {id}")));
        }
    }
    Ok(())
}

/// Whether it is a `request-id`, of a length that responses repeat.
pub(super) fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain)
}

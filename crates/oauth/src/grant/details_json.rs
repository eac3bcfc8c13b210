//! The JSON objects in which details are stored.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Details that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the details of the grant are malformed or of a later version")]
pub struct UnreadableDetails;

/// The JSON object of details; `None` if every member has its default.
///
/// # Panics
/// Never: strings and numbers can always be serialized.
pub(super) fn to_json<T: Serialize + Default + PartialEq>(details: &T) -> Option<String> {
    (*details != T::default())
        .then(|| serde_json::to_string(details).expect("strings can always be serialized"))
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// If it is anything else.
pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, UnreadableDetails> {
    // `serde` would read an array as the values of the members.
    if !json.starts_with('{') {
        return Err(UnreadableDetails);
    }
    serde_json::from_str(json).map_err(|_| UnreadableDetails)
}

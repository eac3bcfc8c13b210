//! How the data that a consent reaches map to a column.

use oauth::data_access::DataAccess;

use super::Impossible;

/// The data as JSON; `None` if they are not limited.
///
/// # Errors
/// Never in practice: numbers and strings can always be serialized.
pub fn data_access_to_json(data: Option<&DataAccess>) -> Result<Option<String>, Impossible> {
    let json = data.map(serde_json::to_string).transpose();
    json.map_err(|error| Impossible(format!("the data of a consent: {error}")))
}

/// Reads the data of a stored consent. What this version does not know may limit the consent further, so it is an error.
///
/// # Errors
/// If the text is anything else.
pub fn data_access_from_json(json: Option<&str>) -> Result<Option<DataAccess>, Impossible> {
    let data = json.map(serde_json::from_str).transpose();
    data.map_err(|error| Impossible(format!("the data of a consent: {error}")))
}

//! How the data that a consent reaches map to a column.

use oauth::data_access::DataAccess;
use oauth::grant::AllowedData;
use oauth::scope::{BuiltInScope, ScopeSet};

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

/// The bits of the scopes without which nothing reaches data.
pub fn data_bits() -> i64 {
    BuiltInScope::OF_DATA.into_iter().collect::<ScopeSet>().bits().into()
}

/// Reads the data that consents and grants reach, as a JSON array of what is stored of each; null stands for everything.
///
/// # Errors
/// If the text is anything else.
pub fn allowed_data_from_json(json: Option<&str>) -> Result<AllowedData, Impossible> {
    let all: Vec<Option<DataAccess>> = serde_json::from_str(json.unwrap_or("[]"))
        .map_err(|error| Impossible(format!("the data that a user has allowed: {error}")))?;
    Ok(AllowedData::of(all))
}

//! How permissions of roles and options of data sources map to columns.

use std::collections::BTreeMap;

use domain::account::{Permission, SealedOption};

use super::Impossible;

/// The bit that represents a permission in a set.
pub fn permission_bit(permission: Permission) -> i64 {
    1 << permission.id()
}

/// A set of permissions as bits: bit n stands for permission n.
pub fn permission_bits(permissions: &[Permission]) -> i64 {
    permissions.iter().fold(0, |bits, permission| bits | permission_bit(*permission))
}

/// The permissions in a set. Bits that this version does not know come from a newer node and are ignored.
pub fn permissions_from_bits(bits: i64) -> Vec<Permission> {
    Permission::ALL.iter().copied().filter(|permission| bits & permission_bit(*permission) != 0).collect()
}

/// The options of a data source as JSON.
///
/// # Errors
/// Never in practice: strings can always be serialized.
pub fn options_to_json(options: &BTreeMap<String, String>) -> Result<String, Impossible> {
    serde_json::to_string(options).map_err(|error| Impossible(error.to_string()))
}

/// The secret options of a data source as JSON; `None` if there are none.
///
/// # Errors
/// Never in practice: strings can always be serialized.
pub fn sealed_options_to_json(
    options: &BTreeMap<String, SealedOption>,
) -> Result<Option<String>, Impossible> {
    let texts: BTreeMap<&str, &str> =
        options.iter().map(|(key, sealed)| (key.as_str(), sealed.as_str())).collect();
    let json = (!texts.is_empty()).then(|| serde_json::to_string(&texts));
    json.transpose().map_err(|error| Impossible(error.to_string()))
}

/// Reads the secret options of a stored data source.
///
/// # Errors
/// If the text is not a JSON object of strings.
pub fn sealed_options_from_json(json: Option<&str>) -> Result<BTreeMap<String, SealedOption>, Impossible> {
    let texts: BTreeMap<String, String> = match json {
        Some(json) => serde_json::from_str(json)
            .map_err(|_| Impossible("a data source with impossible sealed options".to_owned()))?,
        None => BTreeMap::new(),
    };
    Ok(texts.into_iter().map(|(key, text)| (key, SealedOption::new(text))).collect())
}

/// Reads the options of a stored data source.
///
/// # Errors
/// If the text is not a JSON object of strings.
pub fn options_from_json(json: &str) -> Result<BTreeMap<String, String>, Impossible> {
    serde_json::from_str(json).map_err(|_| Impossible("a data source with impossible options".to_owned()))
}

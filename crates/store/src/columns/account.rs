//! How permissions of roles and options of data sources map to columns.

use std::collections::BTreeMap;

use domain::account::Permission;

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

/// Reads the options of a stored data source.
///
/// # Errors
/// If the text is not a JSON object of strings.
pub fn options_from_json(json: &str) -> Result<BTreeMap<String, String>, Impossible> {
    serde_json::from_str(json).map_err(|_| Impossible("a data source with impossible options".to_owned()))
}

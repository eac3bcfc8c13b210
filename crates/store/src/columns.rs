//! How records map to columns. All backends share one mapping, so that a database can be copied from one
//! backend to another column by column.
//!
//! Lists are stored as JSON, names as the standards spell them, sets as bits, and times as microseconds since
//! the Unix epoch. An invalid stored value is reported as [`Impossible`]; it never causes a panic.

mod account;
mod application;
mod consent;
mod grant;
mod provenance;
mod revocation;
mod scopes;
mod table;
mod tables;

pub use account::{
    options_from_json, options_to_json, permission_bit, permission_bits, permissions_from_bits,
    sealed_options_from_json, sealed_options_to_json,
};
pub use application::SettingsColumns;
pub use consent::{allowed_data_from_json, data_access_from_json, data_access_to_json, data_bits};
pub use grant::OriginColumns;
pub use provenance::{provenance_from_json, provenance_to_json};
pub use revocation::{ISSUED_BEFORE, SubjectColumns};
pub use scopes::{
    ScopeColumns, assignment_from_column, assignment_to_column, implied_from_column, implied_to_column,
    risk_from_column, scopes_from_columns,
};
pub use table::{Ids, Key, OnRestore, StoredCell, StoredColumn, StoredKind, StoredRow, StoredTable};
pub use tables::TABLES;

use domain::audit::{Action, Outcome};

/// An invalid stored record, described in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// The action and the outcome of a stored audit event.
///
/// # Errors
/// If this version does not know one of them.
pub fn audit_names(action: &str, outcome: &str) -> Result<(Action, Outcome), Impossible> {
    let known_action = Action::from_name(action)
        .ok_or_else(|| Impossible(format!("an audit event of the action {action}")))?;
    let known_outcome = Outcome::ALL
        .into_iter()
        .find(|known| known.as_str() == outcome)
        .ok_or_else(|| Impossible(format!("an audit event with the outcome {outcome}")))?;
    Ok((known_action, known_outcome))
}

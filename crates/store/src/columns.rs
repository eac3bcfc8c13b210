//! How records are taken apart into columns and put together again: one form for every backend, so that a database can
//! be copied from one to another column by column.
//!
//! Lists are JSON texts, names are the standards' own, sets are bits, moments are microseconds since the Unix epoch. What a
//! stored column must not hold is [`Impossible`], never a panic.

mod account;
mod application;
mod revocation;
mod tables;

pub use account::{
    options_from_json, options_to_json, permission_bit, permission_bits, permissions_from_bits,
};
pub use application::SettingsColumns;
pub use revocation::SubjectColumns;
pub use tables::{Cell, Column, Ids, Key, Kind, Row, TABLES, Table};

use oauth::audit::{Action, Outcome};

/// A stored record that cannot be: which, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// The action and the outcome of a stored audit event.
///
/// # Errors
/// When either is none that this version knows.
pub fn audit_names(action: &str, outcome: &str) -> Result<(Action, Outcome), Impossible> {
    let known_action = Action::from_name(action)
        .ok_or_else(|| Impossible(format!("an audit event of the action {action}")))?;
    let known_outcome = [Outcome::Success, Outcome::Refused]
        .into_iter()
        .find(|known| known.as_str() == outcome)
        .ok_or_else(|| Impossible(format!("an audit event with the outcome {outcome}")))?;
    Ok((known_action, known_outcome))
}

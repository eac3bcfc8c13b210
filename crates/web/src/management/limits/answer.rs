//! The wire form of a limit.

use domain::limit::Limit;
use serde::Serialize;

/// Limits as the elements of a list.
#[derive(Serialize)]
pub(super) struct LimitList<T> {
    pub(super) limits: Vec<T>,
}

/// The default and the range of a limit.
#[derive(Serialize)]
pub(super) struct LimitDescription {
    id: i64,
    name: &'static str,
    default: i64,
    minimum: i64,
    maximum: i64,
}

/// The current value of a limit.
#[derive(Serialize)]
pub(super) struct LimitValue {
    id: i64,
    name: &'static str,
    value: i64,
}

impl From<Limit> for LimitDescription {
    fn from(limit: Limit) -> Self {
        Self {
            id: limit.id(),
            name: limit.as_str(),
            default: limit.default_value(),
            minimum: *limit.range().start(),
            maximum: *limit.range().end(),
        }
    }
}

impl From<(Limit, i64)> for LimitValue {
    fn from((limit, value): (Limit, i64)) -> Self {
        Self { id: limit.id(), name: limit.as_str(), value }
    }
}

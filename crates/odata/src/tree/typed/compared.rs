//! Constants in the form in which values of their type are compared.

use super::{Constant, numeric};
use crate::cell::Value;
use crate::duration::Duration;
use crate::instant::date_text;
use crate::literal;

impl Constant {
    /// The value as a [cell](crate::form) of its type represents it.
    pub(crate) fn compared(&self) -> Value {
        match self {
            Self::Boolean(value) => Value::Integer(i64::from(*value)),
            Self::Integer(value) => Value::Integer(*value),
            // SQLite stores decimals as floating-point numbers, so they are compared as such; integers are
            // exact.
            Self::Decimal(text) => match numeric::whole(text) {
                Some(whole) => Value::Integer(whole),
                None => Value::Real(text.parse().unwrap_or(f64::NAN)),
            },
            Self::Double(value) => Value::Real(*value),
            Self::String(text) => Value::Text(text.clone()),
            Self::Duration(text) => {
                Duration::read(text).map_or(Value::Null, |value| Value::Text(value.ordered()))
            }
            Self::Guid(guid) => Value::Text(literal::guid_text(guid)),
            Self::Date(date) => Value::Text(date_text(*date)),
            Self::TimeOfDay(clock) => Value::Text(clock.text()),
            Self::DateTimeOffset(instant) => Value::Text(instant.text()),
            Self::Binary(bytes) => Value::Blob(bytes.clone()),
        }
    }
}

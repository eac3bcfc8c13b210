//! Constants beside types of databases that have fewer values than those of OData.

use std::cmp::Ordering;

use crate::duration::Duration;
use crate::instant::{ClockTime, Moment};
use crate::tree::function::Function;
use crate::tree::typed::{Comparison, Constant};

impl Comparison {
    /// Whether it holds for two values in this order.
    pub(super) fn is_met_by(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
        }
    }

    /// The comparison with a bound that holds like this one with a constant on that side of it; `None` if equality with
    /// the constant alone decides, because nothing is equal to it.
    pub(super) fn beside(self, side: Ordering) -> Option<Self> {
        match (self, side) {
            (comparison, Ordering::Equal) => Some(comparison),
            (Self::Eq | Self::Ne, _) => None,
            (Self::Gt | Self::Ge, Ordering::Greater) => Some(Self::Gt),
            (Self::Lt | Self::Le, Ordering::Greater) => Some(Self::Le),
            (Self::Gt | Self::Ge, Ordering::Less) => Some(Self::Ge),
            (Self::Lt | Self::Le, Ordering::Less) => Some(Self::Lt),
        }
    }
}

/// The order of two constants of a type that a database has with fewer values than OData.
pub(super) fn order(one: &Constant, other: &Constant) -> Option<Ordering> {
    Some(match (one, other) {
        (Constant::Date(one), Constant::Date(other)) => one.cmp(other),
        (Constant::TimeOfDay(one), Constant::TimeOfDay(other)) => one.cmp(other),
        (Constant::DateTimeOffset(one), Constant::DateTimeOffset(other)) => one.cmp(other),
        (Constant::Duration(one), Constant::Duration(other)) => {
            Duration::read(one).cmp(&Duration::read(other))
        }
        (Constant::String(one), Constant::String(other)) => one.cmp(other),
        _ => return None,
    })
}

/// A time of day to the microsecond.
pub(super) fn clock_text(clock: ClockTime) -> String {
    let mut text = clock.text();
    text.truncate("00:00:00.000000".len());
    text
}

/// The part of a constant that a database would not take from it: the fraction of a second may have more digits than it
/// keeps, and a date may be before all of its dates.
pub(super) fn part_of(function: Function, constant: &Constant) -> Option<String> {
    Some(match (function, constant) {
        (Function::FractionalSeconds, Constant::TimeOfDay(clock)) => fraction(*clock),
        (Function::FractionalSeconds, Constant::DateTimeOffset(moment)) => fraction(Moment::clock(*moment)),
        (Function::Year, Constant::Date(date)) => date.year().to_string(),
        (Function::Month, Constant::Date(date)) => date.month().to_string(),
        (Function::Day, Constant::Date(date)) => date.day().to_string(),
        _ => return None,
    })
}

/// The fraction of a second.
fn fraction(clock: ClockTime) -> String {
    let text = clock.text();
    text.split_once('.').map_or_else(|| "0".to_owned(), |(_, digits)| format!("0.{digits}"))
}

/// The white space of Unicode.
pub(super) static BLANKS: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

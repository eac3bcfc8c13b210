//! From the types of PostgreSQL to those of OData.

use odata::edm_type::EdmType;
use odata::form::Form;

use crate::postgres::oid::{self, Oid};

/// The bytes that the server adds to a length in a modifier.
const HEADER: i32 = 4;

/// How a column is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) ty: EdmType,
    pub(super) form: Form,
    /// Whether every value of the type in the database is one of `ty`.
    pub(super) is_guaranteed: bool,
}

/// How a column of this type is served. Every type has a text, so whatever OData does not have is a string.
pub(super) fn served(ty: Oid, modifier: i32) -> Served {
    let plain = |ty: EdmType| Served { ty, form: Form::Canonical, is_guaranteed: true };
    // Infinite dates, times of 24:00, intervals of months and NaN are values that OData does not have.
    let partly = |ty: EdmType| Served { is_guaranteed: false, ..plain(ty) };
    match ty {
        oid::BOOL => plain(EdmType::Boolean),
        oid::INT2 => plain(EdmType::Int16),
        oid::INT4 => plain(EdmType::Int32),
        oid::INT8 => plain(EdmType::Int64),
        // It has no arithmetic, and cannot be compared with numbers beyond its range.
        oid::OID => Served { form: Form::Converted, ..plain(EdmType::Int64) },
        oid::FLOAT4 => plain(EdmType::Single),
        oid::FLOAT8 => plain(EdmType::Double),
        oid::NUMERIC => partly(decimal(modifier)),
        oid::MONEY => {
            Served { form: Form::Converted, ..plain(EdmType::Decimal { precision: Some(19), scale: None }) }
        }
        oid::TEXT => plain(EdmType::String { max_length: None }),
        oid::VARCHAR => plain(EdmType::String { max_length: length(modifier) }),
        oid::BPCHAR => {
            Served { form: Form::Padded, ..plain(EdmType::String { max_length: length(modifier) }) }
        }
        oid::BYTEA => plain(EdmType::Binary),
        oid::UUID => plain(EdmType::Guid),
        oid::DATE => partly(EdmType::Date),
        oid::TIME => partly(EdmType::TimeOfDay),
        oid::TIMESTAMPTZ => partly(EdmType::DateTimeOffset),
        oid::TIMESTAMP => Served { form: Form::Local, ..partly(EdmType::DateTimeOffset) },
        oid::INTERVAL => partly(EdmType::Duration),
        _ => Served { form: Form::Converted, ..plain(EdmType::String { max_length: None }) },
    }
}

/// The digits after the second that a column of this type keeps. Those of an interval are in the lower half of the modifier, whose
/// upper half has the parts that it keeps.
pub(super) fn fraction(ty: Oid, modifier: i32) -> Option<u8> {
    const MOST: i32 = 6;
    let declared = match ty {
        oid::TIME | oid::TIMESTAMP | oid::TIMESTAMPTZ => modifier,
        oid::INTERVAL if modifier < 0 => modifier,
        oid::INTERVAL => modifier & 0xffff,
        _ => return None,
    };
    u8::try_from(if (0..=MOST).contains(&declared) { declared } else { MOST }).ok()
}

/// The maximum length in characters.
fn length(modifier: i32) -> Option<u32> {
    u32::try_from(modifier.checked_sub(HEADER)?).ok().filter(|length| *length > 0)
}

/// The precision is in the upper half of the modifier, the scale in the lowest eleven bits. The scale may be negative
/// or above the precision, which OData does not have.
fn decimal(modifier: i32) -> EdmType {
    let Some(modifier) = modifier.checked_sub(HEADER).filter(|modifier| *modifier >= 0) else {
        return EdmType::Decimal { precision: None, scale: None };
    };
    let digits = modifier >> 16 & 0xffff;
    let scale = ((modifier & 0x7ff) ^ 1024) - 1024;
    let precision = digits.max(scale) - scale.min(0);
    let narrow = |number: i32| u16::try_from(number).ok();
    EdmType::Decimal { precision: narrow(precision), scale: narrow(scale.max(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(precision: i32, scale: i32) -> EdmType {
        served(oid::NUMERIC, ((precision << 16) | (scale & 0x7ff)) + HEADER).ty
    }

    #[test]
    fn numbers_have_the_digits_that_were_declared() {
        let decimal = |precision, scale| EdmType::Decimal { precision: Some(precision), scale: Some(scale) };
        assert_eq!(numeric(10, 2), decimal(10, 2));
        assert_eq!(numeric(5, 0), decimal(5, 0));
        assert_eq!(numeric(1000, 1000), decimal(1000, 1000));
        assert_eq!(numeric(3, 5), decimal(5, 5), "0.00123");
        assert_eq!(numeric(3, -2), decimal(5, 0), "12300");
        assert_eq!(served(oid::NUMERIC, -1).ty, EdmType::Decimal { precision: None, scale: None });
    }

    #[test]
    fn clocks_have_the_digits_that_were_declared() {
        for (ty, modifier, expected) in [
            (oid::TIMESTAMPTZ, -1, Some(6)),
            (oid::TIMESTAMP, 3, Some(3)),
            (oid::TIME, 0, Some(0)),
            (oid::INTERVAL, -1, Some(6)),
            (oid::INTERVAL, 0x7fff << 16 | 2, Some(2)),
            (oid::INTERVAL, 8 << 16 | 0xffff, Some(6)),
            (oid::DATE, -1, None),
            (oid::INT4, 3, None),
        ] {
            assert_eq!(fraction(ty, modifier), expected, "{ty} {modifier}");
        }
    }

    #[test]
    fn texts_have_their_length_and_what_is_unknown_is_a_text() {
        let text = |max_length| EdmType::String { max_length };
        assert_eq!(served(oid::VARCHAR, 44).ty, text(Some(40)));
        assert_eq!(served(oid::VARCHAR, -1).ty, text(None));
        assert_eq!(served(oid::BPCHAR, 6).form, Form::Padded);
        assert_eq!((served(oid::OID, -1).ty, served(oid::OID, -1).form), (EdmType::Int64, Form::Converted));
        for ty in [oid::JSONB, oid::NAME, 1007, 869, 99_999] {
            let found = served(ty, -1);
            assert_eq!((found.ty, found.form, found.is_guaranteed), (text(None), Form::Converted, true));
        }
    }
}

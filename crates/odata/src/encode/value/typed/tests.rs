use super::*;
use crate::cell::SinceEpoch;
use crate::edm_type::EdmType;
use crate::encode::Written;
use crate::form::{Form, Reading};
use crate::format::Format;

const WIDE: i128 = 123_456_789_012_345_678_901_234_567_890;
const GUID: [u8; 16] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8];
const AT: SinceEpoch = SinceEpoch { seconds: 1_714_564_800, nanoseconds: 120_000_000 };

const DECIMAL: EdmType = EdmType::Decimal { precision: None, scale: None };
const MONEY: EdmType = EdmType::Decimal { precision: None, scale: Some(2) };
const STRING: EdmType = EdmType::String { max_length: None };

fn writing(ty: EdmType, ieee754_compatible: bool) -> Writing {
    let format = Format { ieee754_compatible, ..Format::default() };
    Writing::of(Reading { ty, form: Form::Canonical }, format)
}

/// The value in JSON; `null` if it does not fit.
fn json(ty: EdmType, typed: TypedCell<'_>, ieee754_compatible: bool) -> String {
    let mut out = Vec::new();
    let fits = writing(ty, ieee754_compatible).write(&mut out, Cell::Typed(typed));
    let text = String::from_utf8(out).unwrap();
    assert_eq!(fits, text != "null", "{ty:?} {typed:?}");
    text
}

/// [OData JSON §7.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_PrimitiveValue):
/// the form without and with `IEEE754Compatible`.
#[test]
fn each_kind_of_value_is_written_in_the_form_of_its_type() {
    for (ty, typed, plain, compatible) in [
        (EdmType::Boolean, TypedCell::Boolean(true), "true", "true"),
        (EdmType::Int64, TypedCell::Unsigned(7), "7", "\"7\""),
        (EdmType::Int64, TypedCell::Wide(&-7), "-7", "\"-7\""),
        (EdmType::Int64, TypedCell::Decimal("12.00"), "12", "\"12\""),
        (EdmType::Int32, TypedCell::Unsigned(7), "7", "7"),
        (EdmType::Byte, TypedCell::Unsigned(255), "255", "255"),
        (DECIMAL, TypedCell::Decimal("-12.50"), "-12.50", "\"-12.50\""),
        (
            DECIMAL,
            TypedCell::Wide(&WIDE),
            "123456789012345678901234567890",
            "\"123456789012345678901234567890\"",
        ),
        (DECIMAL, TypedCell::Unsigned(u64::MAX), "18446744073709551615", "\"18446744073709551615\""),
        (MONEY, TypedCell::Decimal("12.345"), "12.35", "\"12.35\""),
        (MONEY, TypedCell::Single(0.5), "0.50", "\"0.50\""),
        (EdmType::Double, TypedCell::Single(0.1), "0.1", "0.1"),
        (EdmType::Single, TypedCell::Single(f32::INFINITY), "\"INF\"", "\"INF\""),
        (EdmType::Single, TypedCell::Single(f32::NAN), "\"NaN\"", "\"NaN\""),
        (EdmType::Double, TypedCell::Decimal("1.5"), "1.5", "1.5"),
        (
            EdmType::Guid,
            TypedCell::Guid(&GUID),
            "\"01234567-89ab-cdef-0102-030405060708\"",
            "\"01234567-89ab-cdef-0102-030405060708\"",
        ),
        (EdmType::Date, TypedCell::Date(19_844), "\"2024-05-01\"", "\"2024-05-01\""),
        (EdmType::Date, TypedCell::Timestamp(AT), "\"2024-05-01\"", "\"2024-05-01\""),
        (EdmType::TimeOfDay, TypedCell::TimeOfDay(1_500_000_000), "\"00:00:01.5\"", "\"00:00:01.5\""),
        (
            EdmType::DateTimeOffset,
            TypedCell::Timestamp(AT),
            "\"2024-05-01T12:00:00.12Z\"",
            "\"2024-05-01T12:00:00.12Z\"",
        ),
        (
            EdmType::DateTimeOffset,
            TypedCell::Local(AT),
            "\"2024-05-01T12:00:00.12Z\"",
            "\"2024-05-01T12:00:00.12Z\"",
        ),
        (EdmType::DateTimeOffset, TypedCell::Date(0), "\"1970-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00Z\""),
        (STRING, TypedCell::Json(br#"{"a":"b"}"#), r#""{\"a\":\"b\"}""#, r#""{\"a\":\"b\"}""#),
        (STRING, TypedCell::Decimal("1.50"), "\"1.50\"", "\"1.50\""),
        (STRING, TypedCell::Boolean(false), "\"false\"", "\"false\""),
        (
            STRING,
            TypedCell::Guid(&GUID),
            "\"01234567-89ab-cdef-0102-030405060708\"",
            "\"01234567-89ab-cdef-0102-030405060708\"",
        ),
        (STRING, TypedCell::Timestamp(AT), "\"2024-05-01T12:00:00.12Z\"", "\"2024-05-01T12:00:00.12Z\""),
    ] {
        assert_eq!(json(ty, typed, false), plain, "{ty:?} {typed:?}");
        assert_eq!(json(ty, typed, true), compatible, "{ty:?} {typed:?}, IEEE754Compatible");
    }
}

#[test]
fn a_value_that_does_not_fit_its_type_is_null() {
    for (ty, typed) in [
        (EdmType::Int64, TypedCell::Unsigned(u64::MAX)),
        (EdmType::Int64, TypedCell::Wide(&WIDE)),
        (EdmType::Int64, TypedCell::Decimal("1.5")),
        (EdmType::Byte, TypedCell::Unsigned(256)),
        (EdmType::Boolean, TypedCell::Unsigned(1)),
        (DECIMAL, TypedCell::Decimal("NaN")),
        (DECIMAL, TypedCell::Boolean(true)),
        (EdmType::Guid, TypedCell::Json(b"{}")),
        (EdmType::Date, TypedCell::Date(i32::MAX)),
        (EdmType::Date, TypedCell::TimeOfDay(0)),
        (EdmType::TimeOfDay, TypedCell::TimeOfDay(u64::MAX)),
        (EdmType::Binary, TypedCell::Guid(&GUID)),
        (EdmType::Duration, TypedCell::TimeOfDay(0)),
    ] {
        assert_eq!(json(ty, typed, false), "null");
    }
}

#[test]
fn a_raw_value_has_neither_quotes_nor_escapes() {
    let bare = |ty, typed| {
        let mut out = Vec::new();
        let written = writing(ty, true).bare(&mut out, Cell::Typed(typed));
        (written, String::from_utf8(out).unwrap())
    };
    assert_eq!(bare(STRING, TypedCell::Json(br#"{"a":"b"}"#)), (Written::Value, r#"{"a":"b"}"#.to_owned()));
    assert_eq!(bare(DECIMAL, TypedCell::Decimal("1.50")), (Written::Value, "1.50".to_owned()));
    assert_eq!(bare(EdmType::Date, TypedCell::Date(0)), (Written::Value, "1970-01-01".to_owned()));
    assert_eq!(bare(EdmType::Boolean, TypedCell::Unsigned(1)).0, Written::Invalid);
}

#[test]
fn a_key_is_written_as_in_a_url() {
    let key = |ty, typed| {
        let mut out = Vec::new();
        super::super::in_url(&mut out, Cell::Typed(typed), Reading { ty, form: Form::Canonical });
        String::from_utf8(out).unwrap()
    };
    assert_eq!(key(EdmType::Guid, TypedCell::Guid(&GUID)), "01234567-89ab-cdef-0102-030405060708");
    assert_eq!(key(EdmType::Int64, TypedCell::Unsigned(7)), "7");
    assert_eq!(key(DECIMAL, TypedCell::Decimal("1.50")), "1.50");
    assert_eq!(key(STRING, TypedCell::Json(b"it's \"\\")), "'it''s%20%22%5C'");
}

#[test]
fn a_computed_decimal_has_no_zeros_after_its_last_digit() {
    let json = |cell: Cell<'_>, ieee754_compatible: bool| {
        let format = Format { ieee754_compatible, ..Format::default() };
        let mut out = b"0".to_vec();
        Writing::of(Reading { ty: DECIMAL, form: Form::Compared }, format).write(&mut out, cell);
        String::from_utf8(out.split_off(1)).unwrap()
    };
    for (cell, expected) in [
        (Cell::Typed(TypedCell::Decimal("0.66000000000000000000")), "0.66"),
        (Cell::Typed(TypedCell::Decimal("-2.000")), "-2"),
        (Cell::Typed(TypedCell::Decimal("100")), "100"),
        (Cell::Typed(TypedCell::Decimal("-0.00")), "0"),
        (Cell::Typed(TypedCell::Decimal("NaN")), "null"),
        (Cell::Typed(TypedCell::Wide(&WIDE)), "123456789012345678901234567890"),
        (Cell::Real(2.0), "2"),
        (Cell::Real(-0.0), "0"),
        (Cell::Real(195.1), "195.1"),
        (Cell::Real(1e20), "100000000000000000000"),
        (Cell::Integer(500), "500"),
        (Cell::Null, "null"),
    ] {
        assert_eq!(json(cell, false), expected);
        let quoted = if expected == "null" { expected.to_owned() } else { format!("\"{expected}\"") };
        assert_eq!(json(cell, true), quoted);
    }
}

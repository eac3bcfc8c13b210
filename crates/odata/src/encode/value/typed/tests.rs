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
fn json(ty: EdmType, typed: Typed<'_>, ieee754_compatible: bool) -> String {
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
        (EdmType::Boolean, Typed::Boolean(true), "true", "true"),
        (EdmType::Int64, Typed::Unsigned(7), "7", "\"7\""),
        (EdmType::Int64, Typed::Wide(&-7), "-7", "\"-7\""),
        (EdmType::Int64, Typed::Decimal("12.00"), "12", "\"12\""),
        (EdmType::Int32, Typed::Unsigned(7), "7", "7"),
        (EdmType::Byte, Typed::Unsigned(255), "255", "255"),
        (DECIMAL, Typed::Decimal("-12.50"), "-12.50", "\"-12.50\""),
        (DECIMAL, Typed::Wide(&WIDE), "123456789012345678901234567890", "\"123456789012345678901234567890\""),
        (DECIMAL, Typed::Unsigned(u64::MAX), "18446744073709551615", "\"18446744073709551615\""),
        (MONEY, Typed::Decimal("12.345"), "12.35", "\"12.35\""),
        (MONEY, Typed::Single(0.5), "0.50", "\"0.50\""),
        (EdmType::Double, Typed::Single(0.1), "0.1", "0.1"),
        (EdmType::Single, Typed::Single(f32::INFINITY), "\"INF\"", "\"INF\""),
        (EdmType::Single, Typed::Single(f32::NAN), "\"NaN\"", "\"NaN\""),
        (EdmType::Double, Typed::Decimal("1.5"), "1.5", "1.5"),
        (
            EdmType::Guid,
            Typed::Guid(&GUID),
            "\"01234567-89ab-cdef-0102-030405060708\"",
            "\"01234567-89ab-cdef-0102-030405060708\"",
        ),
        (EdmType::Date, Typed::Date(19_844), "\"2024-05-01\"", "\"2024-05-01\""),
        (EdmType::Date, Typed::Timestamp(AT), "\"2024-05-01\"", "\"2024-05-01\""),
        (EdmType::TimeOfDay, Typed::TimeOfDay(1_500_000_000), "\"00:00:01.5\"", "\"00:00:01.5\""),
        (
            EdmType::DateTimeOffset,
            Typed::Timestamp(AT),
            "\"2024-05-01T12:00:00.12Z\"",
            "\"2024-05-01T12:00:00.12Z\"",
        ),
        (
            EdmType::DateTimeOffset,
            Typed::Local(AT),
            "\"2024-05-01T12:00:00.12Z\"",
            "\"2024-05-01T12:00:00.12Z\"",
        ),
        (EdmType::DateTimeOffset, Typed::Date(0), "\"1970-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00Z\""),
        (STRING, Typed::Json(br#"{"a":"b"}"#), r#""{\"a\":\"b\"}""#, r#""{\"a\":\"b\"}""#),
        (STRING, Typed::Decimal("1.50"), "\"1.50\"", "\"1.50\""),
        (STRING, Typed::Boolean(false), "\"false\"", "\"false\""),
        (
            STRING,
            Typed::Guid(&GUID),
            "\"01234567-89ab-cdef-0102-030405060708\"",
            "\"01234567-89ab-cdef-0102-030405060708\"",
        ),
        (STRING, Typed::Timestamp(AT), "\"2024-05-01T12:00:00.12Z\"", "\"2024-05-01T12:00:00.12Z\""),
    ] {
        assert_eq!(json(ty, typed, false), plain, "{ty:?} {typed:?}");
        assert_eq!(json(ty, typed, true), compatible, "{ty:?} {typed:?}, IEEE754Compatible");
    }
}

#[test]
fn a_value_that_does_not_fit_its_type_is_null() {
    for (ty, typed) in [
        (EdmType::Int64, Typed::Unsigned(u64::MAX)),
        (EdmType::Int64, Typed::Wide(&WIDE)),
        (EdmType::Int64, Typed::Decimal("1.5")),
        (EdmType::Byte, Typed::Unsigned(256)),
        (EdmType::Boolean, Typed::Unsigned(1)),
        (DECIMAL, Typed::Decimal("NaN")),
        (DECIMAL, Typed::Boolean(true)),
        (EdmType::Guid, Typed::Json(b"{}")),
        (EdmType::Date, Typed::Date(i32::MAX)),
        (EdmType::Date, Typed::TimeOfDay(0)),
        (EdmType::TimeOfDay, Typed::TimeOfDay(u64::MAX)),
        (EdmType::Binary, Typed::Guid(&GUID)),
        (EdmType::Duration, Typed::TimeOfDay(0)),
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
    assert_eq!(bare(STRING, Typed::Json(br#"{"a":"b"}"#)), (Written::Value, r#"{"a":"b"}"#.to_owned()));
    assert_eq!(bare(DECIMAL, Typed::Decimal("1.50")), (Written::Value, "1.50".to_owned()));
    assert_eq!(bare(EdmType::Date, Typed::Date(0)), (Written::Value, "1970-01-01".to_owned()));
    assert_eq!(bare(EdmType::Boolean, Typed::Unsigned(1)).0, Written::Invalid);
}

#[test]
fn a_key_is_written_as_in_a_url() {
    let key = |ty, typed| {
        let mut out = Vec::new();
        super::super::in_url(&mut out, Cell::Typed(typed), Reading { ty, form: Form::Canonical });
        String::from_utf8(out).unwrap()
    };
    assert_eq!(key(EdmType::Guid, Typed::Guid(&GUID)), "01234567-89ab-cdef-0102-030405060708");
    assert_eq!(key(EdmType::Int64, Typed::Unsigned(7)), "7");
    assert_eq!(key(DECIMAL, Typed::Decimal("1.50")), "1.50");
    assert_eq!(key(STRING, Typed::Json(b"it's \"\\")), "'it''s%20%22%5C'");
}

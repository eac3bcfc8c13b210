use odata::cell::Value;

use super::*;

/// The body of a row description.
fn description(oids: &[Oid]) -> Vec<u8> {
    let mut body = u16::try_from(oids.len()).unwrap().to_be_bytes().to_vec();
    for oid in oids {
        body.extend_from_slice(b"name\0\0\0\0\x07\0\x01");
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&[0, 4, 255, 255, 255, 255, 0, 1]);
    }
    body
}

/// The body of a row.
fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap());
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value.unwrap_or_default());
    }
    body
}

fn value(oid: Oid, bytes: &[u8]) -> Result<Value, SourceError> {
    let mut reader = RowReader::default();
    reader.describe(&description(&[oid]), 1)?;
    let body = row(&[Some(bytes)]);
    let read = reader.read(&body)?;
    Ok(read.cell(0).to_value())
}

#[test]
fn each_type_is_read_from_its_binary_form() {
    let text = |text: &str| Ok(Value::Text(text.to_owned()));
    let micros = |micros: i64| micros.to_be_bytes();
    for (oid, bytes, expected) in [
        (oid::BOOL, [1].as_slice(), Ok(Value::Integer(1))),
        (oid::INT2, &[0xff, 0xfe], Ok(Value::Integer(-2))),
        (oid::INT4, &i32::MIN.to_be_bytes(), Ok(Value::Integer(i32::MIN.into()))),
        (oid::INT8, &i64::MAX.to_be_bytes(), Ok(Value::Integer(i64::MAX))),
        (oid::OID, &[0xff; 4], Ok(Value::Integer(u32::MAX.into()))),
        (oid::FLOAT4, &0.5f32.to_be_bytes(), Ok(Value::Real(0.5))),
        (oid::FLOAT8, &0.1f64.to_be_bytes(), Ok(Value::Real(0.1))),
        (oid::NUMERIC, &[0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 0x13, 0x88], text("-12.50")),
        (oid::NUMERIC, &[0, 0, 0, 0, 0xc0, 0, 0, 0], Ok(Value::Null)),
        (oid::VARCHAR, "größer".as_bytes(), text("größer")),
        (oid::TEXT, b"", text("")),
        (99_999, b"an enumeration", text("an enumeration")),
        (oid::JSON, b"[1]", text("[1]")),
        (oid::JSONB, b"\x01[1]", text("[1]")),
        (oid::BYTEA, &[0, 255], Ok(Value::Blob(vec![0, 255]))),
        (oid::DATE, &0i32.to_be_bytes(), text("2000-01-01")),
        (oid::DATE, &i32::MAX.to_be_bytes(), Ok(Value::Null)),
        (oid::TIME, &micros(86_399_999_999), text("23:59:59.999999")),
        (oid::TIME, &micros(86_400_000_000), Ok(Value::Null)),
        (oid::TIMESTAMP, &micros(-1), text("1999-12-31T23:59:59.999999")),
        (oid::TIMESTAMPTZ, &micros(1_500_000), text("2000-01-01T00:00:01.5")),
        (oid::TIMESTAMPTZ, &micros(i64::MAX), Ok(Value::Null)),
        (oid::TIMESTAMP, &micros(i64::MIN), Ok(Value::Null)),
        (oid::UUID, &[0xab; 16], text("abababab-abab-abab-abab-abababababab")),
        (oid::INTERVAL, &[0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 1, 0, 0, 0, 0], text("P1DT1S")),
        (oid::INTERVAL, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Ok(Value::Null)),
    ] {
        assert_eq!(value(oid, bytes), expected, "{oid} {bytes:?}");
    }
}

#[test]
fn nulls_and_several_columns_keep_their_places() {
    let mut reader = RowReader::default();
    reader.describe(&description(&[oid::TEXT, oid::NUMERIC, oid::INT4, oid::NUMERIC]), 4).unwrap();
    for _ in 0..2 {
        let one: &[u8] = &[0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
        let body = row(&[Some(b"a"), Some(one), None, Some(one)]);
        let read = reader.read(&body).unwrap();
        let values: Vec<Value> = (0..5).map(|at| read.cell(at).to_value()).collect();
        let one = || Value::Text("1".to_owned());
        assert_eq!(values, [Value::Text("a".to_owned()), one(), Value::Null, one(), Value::Null]);
    }
}

#[test]
fn what_is_not_well_formed_is_an_error() {
    let mut reader = RowReader::default();
    let wrong = reader.describe(&description(&[oid::INT4]), 2);
    assert!(matches!(wrong, Err(SourceError::StructureChanged { .. })), "{wrong:?}");
    // A box.
    let foreign = reader.describe(&description(&[603]), 1);
    assert!(matches!(foreign, Err(SourceError::Unsupported { .. })), "{foreign:?}");
    let whole = description(&[oid::INT4]);
    for length in 0..whole.len() {
        assert!(reader.describe(&whole[..length], 1).is_err(), "{length}");
    }
    reader.describe(&whole, 1).unwrap();
    let whole = row(&[Some(&[0, 0, 0, 1])]);
    for length in 0..whole.len() {
        assert!(reader.read(&whole[..length]).is_err(), "{length}");
    }
    for (oid, bytes) in [(oid::INT4, b"12345".as_slice()), (oid::BOOL, b""), (oid::JSONB, b"\x02[]")] {
        assert!(value(oid, bytes).is_err(), "{oid}");
    }
}

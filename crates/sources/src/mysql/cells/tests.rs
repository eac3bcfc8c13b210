use odata::cell::Value;

use super::*;

fn definition(ty: u8, charset: u16, length: u32, flags: u16) -> Vec<u8> {
    [
        &[0; 6][..],
        &[12],
        &charset.to_le_bytes(),
        &length.to_le_bytes(),
        &[ty],
        &flags.to_le_bytes(),
        &[0, 0, 0],
    ]
    .concat()
}

/// The value of a column of this type in a row with these bytes.
fn read(definition: &[u8], bytes: &[u8]) -> Result<Value, SourceError> {
    let mut reader = RowReader::default();
    reader.describe(definition)?;
    let packet = [&[0, 0], bytes].concat();
    let row = reader.read(&packet)?;
    Ok(row.cell(0).to_value())
}

#[test]
fn each_type_is_read() {
    let text = |text: &str| Value::Text(text.to_owned());
    for (ty, flags, length, bytes, expected) in [
        (ty::TINY, 0, 1, &[2][..], Value::Integer(1)),
        (ty::TINY, 0, 4, &[255], Value::Integer(-1)),
        (ty::TINY, UNSIGNED, 3, &[255], Value::Integer(255)),
        (ty::SHORT, 0, 6, &[0, 128], Value::Integer(-32_768)),
        (ty::YEAR, UNSIGNED, 4, &[0xe8, 7], Value::Integer(2024)),
        (ty::LONG, UNSIGNED, 10, &[255; 4], Value::Integer(4_294_967_295)),
        (ty::INT24, 0, 9, &[255; 4], Value::Integer(-1)),
        (ty::LONG_LONG, 0, 20, &[255; 8], Value::Integer(-1)),
        (ty::LONG_LONG, UNSIGNED, 20, &[255; 8], text("18446744073709551615")),
        (ty::DOUBLE, 0, 22, &[0, 0, 0, 0, 0, 0, 224, 63], Value::Real(0.5)),
        (ty::FLOAT, 0, 12, &[0, 0, 0, 63], Value::Real(0.5)),
        (ty::NEW_DECIMAL, 0, 12, b"\x06-12.50", text("-12.50")),
        (ty::NEW_DECIMAL, UNSIGNED, 12, b"\x06012.50", text("12.50")),
        (ty::NEW_DECIMAL, UNSIGNED, 12, b"\x04000.", Value::Null),
        (ty::BIT, UNSIGNED, 1, &[1, 1], Value::Integer(1)),
        (ty::BIT, UNSIGNED, 12, &[2, 1, 2], Value::Integer(258)),
        (ty::DATE, 0, 10, &[4, 0xe8, 7, 5, 1], text("2024-05-01")),
        (ty::DATE, 0, 10, &[0], Value::Null),
        (ty::TIME, 0, 10, &[8, 0, 0, 0, 0, 0, 1, 2, 3], text("01:02:03")),
        (ty::TIME, 0, 10, &[8, 1, 0, 0, 0, 0, 1, 2, 3], Value::Null),
        (ty::DATE_TIME, 0, 19, &[7, 0xe8, 7, 5, 1, 1, 2, 3], text("2024-05-01T01:02:03")),
        (ty::TIMESTAMP, 0, 19, &[0], Value::Null),
        (ty::NULL, 0, 0, &[], Value::Null),
    ] {
        let found = read(&definition(ty, BINARY, length, flags), bytes);
        match found {
            Err(error) => assert_eq!((ty, &expected), (ty::NEW_DECIMAL, &Value::Null), "{error:?}"),
            Ok(found) => assert_eq!(found, expected, "{ty} {bytes:?}"),
        }
    }
    let words = [&[5], b"words".as_slice()].concat();
    assert_eq!(read(&definition(253, 45, 20, 0), &words), Ok(text("words")));
    assert_eq!(read(&definition(252, BINARY, 20, 0), &words), Ok(Value::Blob(b"words".to_vec())));
    assert_eq!(read(&definition(ty::JSON, BINARY, 20, 0), &words), Ok(text("words")));
    assert!(matches!(read(&definition(255, BINARY, 20, 0), &words), Err(SourceError::Unsupported { .. })));
}

#[test]
fn null_is_told_by_a_bit_for_each_column() {
    let mut reader = RowReader::default();
    for _ in 0..9 {
        reader.describe(&definition(ty::TINY, BINARY, 4, 0)).unwrap();
    }
    // The columns 0 and 7 are null.
    let packet = [&[0, 0b0000_0100, 0b0000_0010], &[1, 2, 3, 4, 5, 6, 8][..]].concat();
    let row = reader.read(&packet).unwrap();
    let values: Vec<Value> = (0..9).map(|index| row.cell(index).to_value()).collect();
    assert_eq!([&values[0], &values[7]], [&Value::Null, &Value::Null]);
    assert_eq!([&values[1], &values[8]], [&Value::Integer(1), &Value::Integer(8)]);
    assert!(reader.read(&packet[..9]).is_err(), "it ends early");
    assert!(reader.read(&[&packet[..], &[0]].concat()).is_err(), "it is too long");
    assert!(reader.read(&[]).is_err());
}

#[test]
fn malformed_bytes_of_any_kind_are_refused_without_harm() {
    let mut state = 7_u64;
    for length in 0..400 {
        let bytes: Vec<u8> = (0..length % 40)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .collect();
        read_anything(&bytes);
        for ty in 0..=255 {
            let _ = read(&definition(ty, BINARY, u32::from(ty), 0), &bytes);
        }
    }
}

use proptest::prelude::*;

use super::*;

const WRITINGS: &[Writing] = &[
    Writing::Boolean(Form::Canonical),
    Writing::Boolean(Form::MinusOne),
    Writing::Integer { min: i64::MIN, max: i64::MAX, quoted: false },
    Writing::Integer { min: i64::MIN, max: i64::MAX, quoted: true },
    Writing::Integer { min: -128, max: 127, quoted: false },
    Writing::Decimal { scale: None, quoted: false },
    Writing::Decimal { scale: Some(0), quoted: false },
    Writing::Decimal { scale: Some(2), quoted: false },
    Writing::Decimal { scale: Some(2), quoted: true },
    Writing::Computed { quoted: false },
    Writing::Float,
    Writing::String,
    Writing::Guid(Form::Canonical),
    Writing::Date(Form::Canonical),
    Writing::TimeOfDay,
    Writing::DateTimeOffset(Form::Canonical),
    Writing::DateTimeOffset(Form::UnixSeconds),
    Writing::Duration(Form::Canonical),
    Writing::Binary,
];

fn field(before: &[u8], writing: Writing) -> Field {
    Field { before: before.to_vec().into(), column: 0, writing, annotated: false, promised: false }
}

/// Writes a field after something else, on the fast and on the general path, and compares the results.
fn agree(before: &[u8], writing: Writing, cell: Cell<'_>) {
    let mut expected = b"[".to_vec();
    expected.extend_from_slice(before);
    let fits = writing.write(&mut expected, cell);
    expected.push(b'}');
    let mut out = b"[".to_vec();
    let mut row_buffer = RowBuffer::new(&mut out);
    let also_fits = row_buffer.field(&field(before, writing), cell);
    row_buffer.byte(b'}');
    row_buffer.finish();
    let texts = [&out, &expected].map(|bytes| String::from_utf8_lossy(bytes));
    assert_eq!(texts[0], texts[1], "{writing:?} of {cell:?}");
    assert_eq!(also_fits, fits, "{writing:?} of {cell:?}");
}

fn agree_in_all_writings(cell: Cell<'_>) {
    for writing in WRITINGS {
        agree(b",\"name\":", *writing, cell);
    }
}

#[test]
fn a_text_of_any_length_is_written_as_in_the_general_way() {
    let text = "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for length in 0..text.len() {
        agree_in_all_writings(Cell::Text(&text.as_bytes()[..length]));
        for at in 0..length {
            for special in [b'"', b'\\', b'\n', 0xe4] {
                let mut bytes = text.as_bytes()[..length].to_vec();
                bytes[at] = special;
                agree(b",\"name\":", Writing::String, Cell::Text(&bytes));
            }
        }
    }
}

#[test]
fn dates_and_instants_are_written_as_in_the_general_way() {
    for text in [
        "2024-05-01",
        "2024-05-31",
        "2024-02-30",
        "2024-13-01",
        "2024-00-10",
        "0000-01-01",
        "-004-01-01",
        "2024-05-01 12:00",
        "2024-05-01T\u{e4}",
        "2024-05-01x",
        "2024-05-01 12:00:00",
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:60Z",
        "2024-05-01T24:00:00Z",
        "2024-05-31T12:00:00.5",
        "2024-05-01T12:00:00.123456789012Z",
        "2024-05-01T12:00:00.1234567890123Z",
        "2024-05-01 12:00:00.Z",
        "2024-05-01 12:00:00+02:00",
        "2024-05-01T12:00:00.5x",
    ] {
        agree_in_all_writings(Cell::Text(text.as_bytes()));
    }
    agree_in_all_writings(Cell::Text(b"2024-05-01 \xff"));
}

#[test]
fn numbers_at_the_bounds_are_written_as_in_the_general_way() {
    for integer in [0, 1, -1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 12_345_678, i64::MAX, i64::MIN] {
        agree_in_all_writings(Cell::Integer(integer));
        agree_in_all_writings(Cell::Integer(-(integer / 3)));
    }
    for real in [
        0.0,
        -0.0,
        0.01,
        0.001,
        0.005,
        0.015,
        -0.001,
        0.1 + 0.2,
        1.15,
        2.675,
        99.995,
        99_999.99,
        4e7,
        4e7 - 0.01,
        4e7 + 0.5,
        1e16,
        1e300,
        5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ] {
        agree_in_all_writings(Cell::Real(real));
        agree_in_all_writings(Cell::Real(-real));
    }
}

#[test]
fn names_of_any_length_stand_before_their_value() {
    let name = [b'n'; 2 * NAME];
    for length in 0..name.len() {
        agree(&name[..length], Writing::String, Cell::Text(b"harbour"));
    }
}

#[test]
fn a_row_longer_than_the_room_is_whole() {
    let mut out = Vec::new();
    let mut row_buffer = RowBuffer::new(&mut out);
    let field = field(b",", Writing::Float);
    for value in 0..1000 {
        assert!(row_buffer.field(&field, Cell::Integer(value)));
    }
    row_buffer.finish();
    let values: Vec<String> = (0..1000).map(|value| value.to_string()).collect();
    assert_eq!(String::from_utf8_lossy(&out), format!(",{}", values.join(",")));
}

proptest! {
    #[test]
    fn every_decimal_fraction_is_written_as_in_the_general_way(units in -5_000_000_000_i64..5_000_000_000, digits in 0_i32..5) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let value = units as f64 / 10_f64.powi(digits);
        agree_in_all_writings(Cell::Real(value));
    }

    #[test]
    fn every_number_is_written_as_in_the_general_way(bits in any::<u64>(), integer in any::<i64>()) {
        agree_in_all_writings(Cell::Real(f64::from_bits(bits)));
        agree_in_all_writings(Cell::Integer(integer));
        agree_in_all_writings(Cell::Integer(integer >> (bits % 64)));
    }

    #[test]
    fn every_text_is_written_as_in_the_general_way(text in prop::collection::vec(any::<u8>(), 0..64)) {
        agree_in_all_writings(Cell::Text(&text));
        agree_in_all_writings(Cell::Blob(&text));
    }
}

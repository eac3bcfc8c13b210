//! Entity tags ([RFC 9110 §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::cell::{Cell, Row, Value};

/// The bytes of the digest that a tag shows.
const SHOWN: usize = 16;

/// `W/`, the quotation marks, and two digits for each byte.
const LENGTH: usize = 4 + 2 * SHOWN;

/// The tag of an entity: a digest of all stored values of its properties, so that it is another one after each change that a
/// client can see. It is weak, because representations differ by their format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EntityTag([u8; LENGTH]);

impl EntityTag {
    /// The tag of the entity whose properties are in these columns of a row, in the order of the model.
    pub(crate) fn of(row: &impl Row, columns: impl IntoIterator<Item = usize>) -> Self {
        let mut hash = Sha256::new();
        for column in columns {
            add(&mut hash, row.cell(column));
        }
        let mut tag = [b'"'; LENGTH];
        tag[..2].copy_from_slice(b"W/");
        let digits = tag[3..].as_chunks_mut::<2>().0;
        for (digits, byte) in digits.iter_mut().zip(hash.finalize().iter().take(SHOWN)) {
            *digits = [digit(byte >> 4), digit(byte & 15)];
        }
        Self(tag)
    }

    /// As it is written in headers, with the mark of weak ones.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Adds a value with its kind and its length, so that no two rows are one sequence of bytes.
fn add(hash: &mut Sha256, cell: Cell<'_>) {
    let mut field = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    match cell {
        Cell::Null => field(0, &[]),
        Cell::Integer(integer) => field(1, &integer.to_le_bytes()),
        Cell::Real(real) => field(2, &real.to_bits().to_le_bytes()),
        Cell::Text(text) => field(3, text),
        Cell::Blob(bytes) => field(4, bytes),
        Cell::Typed(_) => match cell.to_value() {
            // A value is of no such type any more.
            Value::Null => field(0, &[]),
            value => add(hash, value.as_cell()),
        },
    }
}

fn digit(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cells<'c>(&'c [Cell<'c>]);

    impl Row for Cells<'_> {
        fn cell(&self, index: usize) -> Cell<'_> {
            self.0[index]
        }
    }

    fn tag(cells: &[Cell<'_>]) -> String {
        EntityTag::of(&Cells(cells), 0..cells.len()).as_str().to_owned()
    }

    #[test]
    fn rows_with_different_values_have_different_tags() {
        let rows: [&[Cell<'_>]; 9] = [
            &[],
            &[Cell::Null],
            &[Cell::Null, Cell::Null],
            &[Cell::Integer(1)],
            &[Cell::Real(1.0)],
            &[Cell::Text(b"1")],
            &[Cell::Blob(b"1")],
            &[Cell::Text(b"ab"), Cell::Text(b"c")],
            &[Cell::Text(b"a"), Cell::Text(b"bc")],
        ];
        let tags: std::collections::BTreeSet<String> = rows.iter().map(|row| tag(row)).collect();
        assert_eq!(tags.len(), rows.len());
        for tag in tags {
            let digits = tag.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert!(digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{tag}");
        }
        // The first half of the digest of nothing.
        assert_eq!(tag(&[]), "W/\"e3b0c44298fc1c149afbf4c8996fb924\"");
    }

    #[test]
    fn the_order_of_columns_is_that_of_the_model() {
        let row = Cells(&[Cell::Integer(1), Cell::Integer(2)]);
        assert_eq!(EntityTag::of(&row, [1, 0]).as_str(), tag(&[Cell::Integer(2), Cell::Integer(1)]));
    }
}

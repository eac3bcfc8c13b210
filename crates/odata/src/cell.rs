//! Values between a database and the wire.

mod typed;

pub(crate) use typed::decimal;
pub use typed::{Interval, SinceEpoch, TypedCell};

/// One value of a result row, borrowed from the driver. The first five kinds are those of SQLite, whose Booleans
/// are integers (0 and 1) and whose dates are texts or numbers: the model, not the cell, knows the meaning of a
/// column's type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'row> {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, not necessarily valid UTF-8: a database may contain anything.
    Text(&'row [u8]),
    /// Bytes.
    Blob(&'row [u8]),
    /// A value of a type that SQLite does not have.
    Typed(TypedCell<'row>),
}

/// One row of a running statement: cells by position. A driver implements it for its own row type, so that
/// nothing is copied before it is encoded.
pub trait Row {
    /// The cell at `index`, which must be below the number of columns of the statement.
    fn cell(&self, index: usize) -> Cell<'_>;
}

/// An owned value: a parameter of a statement, or a cell that must outlive its row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Text that is not UTF-8, byte for byte.
    RawText(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
    /// A value in its written form, whose type is that of the column to which a statement assigns it. Only for databases
    /// that read such a form for every type.
    Untyped(String),
}

impl Value {
    /// The cell that contains this value.
    pub fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Integer(integer) => Cell::Integer(*integer),
            Self::Real(real) => Cell::Real(*real),
            Self::Text(text) | Self::Untyped(text) => Cell::Text(text.as_bytes()),
            Self::RawText(text) => Cell::Text(text),
            Self::Blob(blob) => Cell::Blob(blob),
        }
    }
}

impl Cell<'_> {
    /// An owned copy of this value. A value of a type that SQLite does not have becomes an integer, a number or
    /// text, in the form in which values of its type are compared; one outside the range of its type is null.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(integer) => Value::Integer(integer),
            Self::Real(real) => Value::Real(real),
            Self::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => Value::RawText(text.to_vec()),
            },
            Self::Blob(blob) => Value::Blob(blob.to_vec()),
            Self::Typed(TypedCell::Boolean(value)) => Value::Integer(value.into()),
            Self::Typed(TypedCell::Single(value)) => Value::Real(value.into()),
            Self::Typed(TypedCell::Json(text)) => Cell::Text(text).to_value(),
            Self::Typed(typed @ (TypedCell::Unsigned(_) | TypedCell::Wide(_))) => match typed.whole() {
                Some(value) => Value::Integer(value),
                None => typed.text().map_or(Value::Null, Value::Text),
            },
            Self::Typed(typed) => typed.text().map_or(Value::Null, Value::Text),
        }
    }
}

impl Value {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            Self::Text(text) | Self::Untyped(text) => text.len(),
            Self::RawText(bytes) | Self::Blob(bytes) => bytes.len(),
        };
        size_of::<Self>() + content
    }
}

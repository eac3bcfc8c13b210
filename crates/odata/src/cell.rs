//! Values between a database and the wire.

/// One value of a result row, borrowed from the driver. Booleans are integers too (0 and 1); the model, not
/// the cell, knows the meaning of a column's type.
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
}

impl Value {
    /// The cell that contains this value.
    pub fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Integer(integer) => Cell::Integer(*integer),
            Self::Real(real) => Cell::Real(*real),
            Self::Text(text) => Cell::Text(text.as_bytes()),
            Self::RawText(text) => Cell::Text(text),
            Self::Blob(blob) => Cell::Blob(blob),
        }
    }
}

impl Cell<'_> {
    /// An owned copy of this value.
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
        }
    }
}

impl Value {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            Self::Text(text) => text.len(),
            Self::RawText(bytes) | Self::Blob(bytes) => bytes.len(),
        };
        size_of::<Self>() + content
    }
}

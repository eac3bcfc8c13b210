//! Values on their way between a database and the wire.

/// One value of a result row, borrowed from the driver. Integers carry booleans too (0 and 1); what the column's
/// type means is the model's matter, not the cell's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'row> {
    /// No value.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Not necessarily valid UTF-8: databases hold what was put into them.
    Text(&'row [u8]),
    /// Bytes.
    Blob(&'row [u8]),
}

/// One row of a running statement: cells by position. A driver implements it over its own row type, so that nothing
/// is copied before it is encoded.
pub trait Row {
    /// The cell at `index`, which is below the number of columns of the statement.
    fn cell(&self, index: usize) -> Cell<'_>;
}

/// An owned value: a parameter of a statement, or a cell that must outlive its row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Text that is no UTF-8, byte for byte.
    RawText(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The cell that holds this value.
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
    /// This value, to be kept beyond its row.
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
    /// How many bytes it takes in memory, about.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            Self::Text(text) => text.len(),
            Self::RawText(bytes) | Self::Blob(bytes) => bytes.len(),
        };
        size_of::<Self>() + content
    }
}

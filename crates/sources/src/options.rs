//! The options of a kind of database: their schema, and values that follow it.

mod check;
mod members;
mod secret;
mod values;

use std::fmt;

pub use check::OptionFault;
pub(crate) use members::{refuse_twins, shown, twins};
pub use secret::Secret;
pub use values::OptionValues;

/// The option with the columns that identify the rows of a view, or of a table without a primary key:
/// `{"View": ["a", "b"]}`.
pub(crate) const KEYS: &str = "keys";

/// The option that says how columns store their values: `{"Table": {"Column": "unix-seconds"}}`.
pub(crate) const FORMS: &str = "storageForms";

/// A kind of database: its number and name on the wire, and its options.
#[derive(Debug, Clone, Copy)]
pub struct DataStore {
    /// The number on the wire.
    pub id: i64,
    /// The name on the wire.
    pub name: &'static str,
    /// The schemes of a URL that may be given instead of options about a server, the usual one first; none if there is no such URL.
    pub url_schemes: &'static [&'static str],
    /// The options, in the order in which they are listed.
    pub options: &'static [OptionSchema],
}

/// What an option is for, and which values it may have. Values are texts, on the wire and in storage.
#[derive(Debug, Clone, Copy)]
pub struct OptionSchema {
    /// The key on the wire.
    pub name: &'static str,
    /// Whether a data source must have it.
    pub required: bool,
    /// Whether its value is sealed at rest and never shown.
    pub secret: bool,
    /// The value that applies if the option is omitted.
    pub default: Option<&'static str>,
    /// The values that it may have.
    pub value: ValueKind,
    /// A description for people, in a sentence.
    pub description: &'static str,
}

/// The values that an option may have.
#[derive(Clone, Copy)]
pub enum ValueKind {
    /// Text without control characters, of at most this many bytes and at least one.
    Text {
        /// The maximum length in bytes.
        longest: usize,
    },
    /// A whole number within these bounds, in decimal digits.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A host name or an IP address.
    Host,
    /// A TCP port.
    Port,
    /// Certificates in PEM, of at most this many bytes.
    Certificates {
        /// The maximum length in bytes.
        longest: usize,
    },
    /// A JSON object, such as a declaration about tables.
    Declaration {
        /// The maximum length in bytes.
        longest: usize,
        /// Describes a fault of a value, as the end of a sentence that starts with the key.
        check: fn(&str) -> Result<(), String>,
    },
}

impl fmt::Debug for ValueKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl ValueKind {
    /// The name of the kind on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Choice(_) => "choice",
            Self::Host => "host",
            Self::Port => "port",
            Self::Certificates { .. } => "certificates",
            Self::Declaration { .. } => "declaration",
        }
    }
}

impl OptionSchema {
    /// Whether the value is a JSON object.
    pub fn is_declaration(&self) -> bool {
        matches!(self.value, ValueKind::Declaration { .. })
    }

    /// Whether the value says to which machine the server connects.
    pub fn is_address(&self) -> bool {
        matches!(self.value, ValueKind::Host | ValueKind::Port)
    }
}

impl DataStore {
    /// The schema of the option with that key.
    pub fn option(&self, name: &str) -> Option<&'static OptionSchema> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The keys of the options whose values are texts, as Hybrid Data Pipeline lists them.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.options.iter().filter(|option| !option.is_declaration()).map(|option| option.name)
    }

    /// The keys of the options whose values are JSON objects.
    pub fn declarations(&self) -> impl Iterator<Item = &'static str> {
        self.options.iter().filter(|option| option.is_declaration()).map(|option| option.name)
    }
}

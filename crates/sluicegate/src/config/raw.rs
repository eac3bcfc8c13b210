//! A configuration value before its type is known.

/// A raw value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    /// `true` or `false` in the file.
    Bool(bool),
    /// An integer in the file.
    Number(i64),
    /// A string in the file or on the command line.
    Text(String),
    /// A list of strings in the file.
    List(Vec<String>),
    /// A string from the environment, which has no types.
    Environment(String),
    /// A value of a type that no setting has, in words.
    Unfit(&'static str),
}

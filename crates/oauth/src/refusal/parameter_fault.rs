//! What can be wrong with one parameter.

/// A fault of one parameter, at any endpoint; always `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterFault {
    /// It is required and was omitted or empty.
    Missing,
    /// It appears more than once.
    Repeated,
    /// Both spellings appear, with different values.
    SpellingsDiffer,
    /// It is longer than the server accepts.
    TooLong,
    /// It contains a control character.
    ControlCharacter,
}

impl ParameterFault {
    /// The fault in words, to follow the name of the parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Repeated => "is given more than once",
            Self::SpellingsDiffer => "is given in two spellings with different values",
            Self::TooLong => "is too long",
            Self::ControlCharacter => "contains a control character",
        }
    }
}

//! Casts between texts and other values ([OData URL Conventions 4.01
//! §5.1.1.10.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_cast)).

/// The most digits of a whole number that a text is read as: those of the longest integer.
pub(crate) const MOST_DIGITS: usize = 19;

/// A cast that a statement makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// A value as the text that a response has for it. Fractions of a second have no zeros at their end.
    Text,
    /// A text as a whole number; null unless it is one.
    Whole,
    /// A text as a truth value; null unless it is one.
    Boolean,
}

//! Why a request is refused: the reason, its public code, and its position in the URL.

use crate::statement::Unanswerable;

/// A refused request. `Display` gives the public message, which names the position and never contains
/// database details.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{}{}", Located(location.as_ref()), Within(place.as_deref()), Advice(hint.as_deref()))]
pub struct Error {
    /// The reason.
    pub reason: Reason,
    /// The position, if there is one.
    pub location: Option<ErrorLocation>,
    /// The place in the body that it is about, if that is a part of it.
    pub place: Option<Box<str>>,
    /// What was probably meant.
    pub hint: Option<Box<str>>,
}

/// A position in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorLocation {
    /// `path`, `query`, or the system query option with its `$`.
    pub target: &'static str,
    /// The byte offset in the percent-decoded text of the target.
    pub offset: usize,
}

/// How the caller should treat an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request can never be right.
    BadRequest,
    /// It asks for something that is not in the model.
    NotFound,
    /// It is valid by the standard, but not supported here.
    NotImplemented,
    /// A next link for an earlier model.
    Gone,
    /// The resource cannot be changed in this way.
    NotAllowed,
    /// The caller may not do this with the resource.
    Forbidden,
}

/// Every reason for which this crate refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum Reason {
    #[error("the URL is longer than {0} bytes")]
    UrlTooLong(usize),
    #[error("a percent sign is not followed by two hexadecimal digits")]
    BadPercentEncoding,
    #[error("the percent-decoded text is not UTF-8, or contains a NUL character")]
    BadText,
    #[error("the query option {0} is given twice")]
    DuplicateOption(String),
    #[error("there is no system query option {0}")]
    UnknownOption(String),
    #[error("{0} is missing: {1}")]
    OptionMissing(&'static str, String),
    #[error("{0} does not apply to this resource")]
    OptionNotApplicable(&'static str),
    #[error("expected {expected}, found {found}")]
    Unexpected { expected: &'static str, found: String },
    #[error("a text is written in single quotes ('like this'), the name of a property without quotes")]
    DoubleQuotes,
    #[error("the literal {0} is malformed or out of range")]
    BadLiteral(String),
    #[error("{0} reads a part that depends on the time zone: write the literal in UTC, like the data")]
    OtherZone(String),
    #[error("{0} is a leap second, which this server does not have; second 59 is the last of a minute")]
    LeapSecond(String),
    #[error("{0} is not a value for this option")]
    BadOptionValue(String),
    #[error("the expression has more than {0} parts")]
    TooManyNodes(usize),
    #[error("the expression is nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("the list has more than {0} items")]
    TooManyItems(usize),
    #[error("more than {0} levels of navigation properties are expanded or followed")]
    TooManyLevels(usize),
    #[error("more than {0} navigation properties are expanded")]
    TooManyExpanded(usize),
    #[error("the body has more than {0} related entities")]
    TooManyRelated(usize),
    #[error("expressions follow navigation properties more than {0} times")]
    TooManyFollowed(usize),
    #[error("more than {0} lambda operators and counts are nested")]
    TooManyLambdas(usize),
    #[error("the navigation property {0} is expanded twice")]
    ExpandedTwice(String),
    #[error("the name {0} is already that of a property or value")]
    NameTaken(String),
    #[error("$levels does not apply to {0}, which does not lead to its own type")]
    NotRecursive(String),
    #[error("the request results in a database statement that is too long")]
    TooComplex,
    #[error("there is no function {0}")]
    UnknownFunction(String),
    #[error("{function} takes {expected}")]
    ArgumentCount { function: &'static str, expected: &'static str },
    #[error("{operation} does not apply to {found}")]
    TypeMismatch { operation: &'static str, found: String },
    #[error("the filter is not a Boolean expression, but {0}")]
    NotBoolean(&'static str),
    #[error("the type {entity_type} has no property {name}")]
    UnknownProperty { entity_type: String, name: String },
    #[error("there is no resource {0}")]
    UnknownResource(String),
    #[error("the key of {entity_type} is {expected}")]
    BadKey { entity_type: String, expected: String },
    #[error("the body is not {0}")]
    BadBody(String),
    #[error("the body has the member {0} twice")]
    DuplicateMember(String),
    #[error("the body gives {0} two different values")]
    TwoValues(String),
    #[error("{0} must have a value")]
    PropertyMissing(String),
    #[error("the value of {property} is not one of {expected}")]
    BadValue { property: String, expected: String },
    #[error("{0} cannot have this value in the database")]
    NotStorable(String),
    #[error("the database would store another value for {0}, or write it in another way")]
    NotKept(String),
    #[error("{0} cannot be changed")]
    NotChangeable(String),
    #[error("the rules of this data source do not allow this change of {0}")]
    AgainstRules(String),
    #[error("{0} is not supported")]
    NotImplemented(String),
    #[error(transparent)]
    Unanswerable(Unanswerable),
    #[error("the next link is damaged or belongs to another request")]
    ForeignPosition,
    #[error("the data source has changed since this next link was issued; start again from the first page")]
    StalePosition,
}

impl From<Unanswerable> for Error {
    /// An error that only the database detects has no position.
    fn from(reason: Unanswerable) -> Self {
        Reason::Unanswerable(reason).nowhere()
    }
}

impl Reason {
    /// The error for this reason, without a position.
    pub(crate) fn nowhere(self) -> Error {
        Error { reason: self, location: None, place: None, hint: None }
    }

    /// The error for this reason at `offset` of `target`.
    pub(crate) fn at(self, target: &'static str, offset: usize) -> Error {
        Error { reason: self, location: Some(ErrorLocation { target, offset }), place: None, hint: None }
    }
}

impl Error {
    /// Adds what was probably meant, if known.
    pub(crate) fn hinting(mut self, hint: Option<String>) -> Self {
        self.hint = hint.map(String::into_boxed_str);
        self
    }

    /// Adds the place in the body in which the place so far is; the whole body if it is empty.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        if !place.is_empty() {
            let inner = self.place.take().map(|inner| format!("/{inner}")).unwrap_or_default();
            self.place = Some(format!("{place}{inner}").into());
        }
        self
    }

    /// The URL has more characters than its data source takes.
    pub fn url_too_long(most: usize) -> Self {
        Reason::UrlTooLong(most).nowhere()
    }

    /// The rules of a data source do not allow a change of this entity set.
    pub fn against_rules(set: &str) -> Self {
        Reason::AgainstRules(set.to_owned()).nowhere()
    }

    /// The data source keeps no records of repeatable requests.
    pub fn not_repeatable() -> Self {
        let what = "a repeatable request to this data source, which has no table for the records of them,";
        Reason::NotImplemented(what.to_owned()).nowhere()
    }

    /// This server does not support something that stands in no particular place of the request.
    pub fn not_implemented(what: &str) -> Self {
        Reason::NotImplemented(what.to_owned()).nowhere()
    }

    /// No request changes what is addressed.
    pub fn not_changeable(what: &str) -> Self {
        Reason::NotChangeable(what.to_owned()).nowhere()
    }

    /// How the caller should treat it.
    pub fn kind(&self) -> Kind {
        match self.reason {
            Reason::UnknownResource(_) => Kind::NotFound,
            Reason::NotImplemented(_) => Kind::NotImplemented,
            Reason::StalePosition => Kind::Gone,
            Reason::NotChangeable(_) => Kind::NotAllowed,
            Reason::AgainstRules(_) => Kind::Forbidden,
            _ => Kind::BadRequest,
        }
    }

    /// The public code, which is stable for programs.
    pub fn code(&self) -> &'static str {
        match self.reason {
            Reason::UrlTooLong(_) => "UrlTooLong",
            Reason::BadPercentEncoding | Reason::BadText => "BadEncoding",
            Reason::DuplicateOption(_) => "DuplicateOption",
            Reason::UnknownOption(_) => "UnknownOption",
            Reason::OptionMissing(..) => "OptionMissing",
            Reason::OptionNotApplicable(_) | Reason::NotRecursive(_) => "OptionNotApplicable",
            Reason::Unexpected { .. } | Reason::DoubleQuotes => "SyntaxError",
            Reason::BadLiteral(_) | Reason::OtherZone(_) | Reason::LeapSecond(_) => "BadLiteral",
            Reason::BadOptionValue(_) | Reason::ExpandedTwice(_) | Reason::NameTaken(_) => "BadOptionValue",
            Reason::TooManyNodes(_)
            | Reason::TooDeep(_)
            | Reason::TooManyItems(_)
            | Reason::TooManyLevels(_)
            | Reason::TooManyExpanded(_)
            | Reason::TooManyRelated(_)
            | Reason::TooManyFollowed(_)
            | Reason::TooManyLambdas(_)
            | Reason::TooComplex => "TooComplex",
            Reason::UnknownFunction(_) => "UnknownFunction",
            Reason::ArgumentCount { .. } => "ArgumentCount",
            Reason::TypeMismatch { .. } | Reason::NotBoolean(_) => "TypeMismatch",
            Reason::UnknownProperty { .. } => "UnknownProperty",
            Reason::UnknownResource(_) => "ResourceNotFound",
            Reason::BadKey { .. } => "BadKey",
            Reason::BadBody(_) => "BadBody",
            Reason::DuplicateMember(_) | Reason::TwoValues(_) => "DuplicateProperty",
            Reason::PropertyMissing(_) => "PropertyMissing",
            Reason::BadValue { .. } | Reason::NotStorable(_) | Reason::NotKept(_) => "BadValue",
            Reason::NotChangeable(_) => "NotChangeable",
            Reason::AgainstRules(_) => "AgainstRules",
            Reason::NotImplemented(_) => "NotImplemented",
            Reason::Unanswerable(Unanswerable::DivisionByZero) => "DivisionByZero",
            Reason::Unanswerable(Unanswerable::NegativeLength) => "NegativeLength",
            Reason::Unanswerable(Unanswerable::OutOfRange) => "OutOfRange",
            Reason::ForeignPosition => "BadNextLink",
            Reason::StalePosition => "StaleNextLink",
        }
    }

    /// The part of the URL at fault: `path`, `query`, or the option with its `$`.
    pub fn target(&self) -> Option<&'static str> {
        self.location.map(|location| location.target)
    }

    /// The byte offset in the percent-decoded text of the target.
    pub fn offset(&self) -> Option<usize> {
        self.location.map(|location| location.offset)
    }
}

struct Located<'a>(Option<&'a ErrorLocation>);

impl std::fmt::Display for Located<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            // A body is shown by its members.
            Some(location) if location.target == "body" => Ok(()),
            Some(location) => write!(out, " (at position {} of {})", location.offset, location.target),
            None => Ok(()),
        }
    }
}

struct Within<'a>(Option<&'a str>);

impl std::fmt::Display for Within<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(place) => write!(out, " (in {place})"),
            None => Ok(()),
        }
    }
}

struct Advice<'a>(Option<&'a str>);

impl std::fmt::Display for Advice<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(hint) => write!(out, "; {hint}"),
            None => Ok(()),
        }
    }
}

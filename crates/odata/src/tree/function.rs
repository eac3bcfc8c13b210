//! The canonical functions of [OData URL Conventions 4.01 §5.1.1.4 to §5.1.1.13](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_CanonicalFunctions).

use super::class::Class;

/// The functions that no statement calls: they are bound as constants or as other terms. Every other function is a
/// [`Function`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoundFunction {
    /// The time of the request.
    Now,
    /// The earliest instant.
    MinDateTime,
    /// The latest instant.
    MaxDateTime,
    /// The offset of an instant from UTC.
    TotalOffsetMinutes,
    /// The value beside the first condition that is true.
    Case,
    /// A value as one of another type; null if there is none.
    Cast,
    /// Whether a value is of a type.
    IsOf,
}

impl BoundFunction {
    /// Those about instants.
    const OF_TIME: [Self; 4] = [Self::MinDateTime, Self::MaxDateTime, Self::Now, Self::TotalOffsetMinutes];
    /// Those about types and conditions.
    const OF_TYPES: [Self; 3] = [Self::Case, Self::Cast, Self::IsOf];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::MinDateTime => "mindatetime",
            Self::MaxDateTime => "maxdatetime",
            Self::TotalOffsetMinutes => "totaloffsetminutes",
            Self::Case => "case",
            Self::Cast => "cast",
            Self::IsOf => "isof",
        }
    }

    /// Finds a function by name, in any case.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let mut all = Self::OF_TIME.into_iter().chain(Self::OF_TYPES);
        all.find(|function| function.name().eq_ignore_ascii_case(name))
    }
}

/// The arguments and the result of a function.
pub(crate) struct Signature {
    /// The classes that each argument may have.
    pub(crate) accepts: &'static [&'static [Class]],
    /// The number of required arguments.
    pub(crate) required: usize,
    /// The class of the result; `None` for that of the first argument.
    pub(crate) class: Option<Class>,
    /// Whether the result can be null although no argument is.
    pub(crate) nullable: bool,
}

impl Signature {
    pub(crate) fn count(&self) -> &'static str {
        match (self.required, self.accepts.len()) {
            (1, _) => "one argument",
            (2, 2) => "two arguments",
            _ => "two or three arguments",
        }
    }
}

macro_rules! functions {
    ($($variant:ident $name:literal $accepts:expr, $class:expr, $nullable:literal;)*) => {
        /// A function that a statement calls. Each dialect writes all of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Function { $($variant),* }

        impl Function {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Finds a function by name, in any case.
            pub(crate) fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|function| function.name().eq_ignore_ascii_case(name))
            }

            pub(crate) fn signature(self) -> Signature {
                let (accepts, class, nullable): (&'static [&'static [Class]], _, _) = match self {
                    $(Self::$variant => ($accepts, $class, $nullable)),*
                };
                // Only the length of a substring may be omitted.
                let required = if self == Self::Substring { 2 } else { accepts.len() };
                Signature { accepts, required, class, nullable }
            }
        }
    };
}

const TEXT: &[Class] = &[Class::String];
const WHOLE: &[Class] = &[Class::Integer];
const FRACTIONAL: &[Class] = &[Class::Integer, Class::Decimal, Class::Double];
const LENGTH_OF_TIME: &[Class] = &[Class::Duration];
const INSTANT: &[Class] = &[Class::DateTimeOffset];
const WITH_DATE: &[Class] = &[Class::Date, Class::DateTimeOffset];
const WITH_TIME: &[Class] = &[Class::TimeOfDay, Class::DateTimeOffset];

// Results from stored dates can be null, because a database may contain text that is not a date.
functions! {
    Contains "contains" &[TEXT, TEXT], Some(Class::Boolean), false;
    StartsWith "startswith" &[TEXT, TEXT], Some(Class::Boolean), false;
    EndsWith "endswith" &[TEXT, TEXT], Some(Class::Boolean), false;
    Length "length" &[TEXT], Some(Class::Integer), false;
    IndexOf "indexof" &[TEXT, TEXT], Some(Class::Integer), false;
    Substring "substring" &[TEXT, WHOLE, WHOLE], Some(Class::String), false;
    ToLower "tolower" &[TEXT], Some(Class::String), false;
    ToUpper "toupper" &[TEXT], Some(Class::String), false;
    Trim "trim" &[TEXT], Some(Class::String), false;
    Concat "concat" &[TEXT, TEXT], Some(Class::String), false;
    Year "year" &[WITH_DATE], Some(Class::Integer), true;
    Month "month" &[WITH_DATE], Some(Class::Integer), true;
    Day "day" &[WITH_DATE], Some(Class::Integer), true;
    Hour "hour" &[WITH_TIME], Some(Class::Integer), true;
    Minute "minute" &[WITH_TIME], Some(Class::Integer), true;
    Second "second" &[WITH_TIME], Some(Class::Integer), true;
    FractionalSeconds "fractionalseconds" &[WITH_TIME], Some(Class::Decimal), true;
    Date "date" &[INSTANT], Some(Class::Date), true;
    Time "time" &[INSTANT], Some(Class::TimeOfDay), true;
    TotalSeconds "totalseconds" &[LENGTH_OF_TIME], Some(Class::Decimal), true;
    Round "round" &[FRACTIONAL], None, false;
    Floor "floor" &[FRACTIONAL], None, false;
    Ceiling "ceiling" &[FRACTIONAL], None, false;
}

/// The names of all functions, in the order of the standard.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let (before, after) = Function::ALL.split_at(Function::Round as usize);
    let name = |function: &Function| function.name();
    let of_time = BoundFunction::OF_TIME.into_iter().map(BoundFunction::name);
    let of_types = BoundFunction::OF_TYPES.into_iter().map(BoundFunction::name);
    before.iter().map(name).chain(of_time).chain(after.iter().map(name)).chain(of_types)
}

impl Function {
    /// Whether the function reads a part of an instant that differs in a time zone with this offset in
    /// seconds east of UTC. Values are stored in UTC, so the part of a literal in another zone would be that
    /// of another time than the part of the same instant in the data; the standard requires such a call to
    /// fail
    /// ([§5.1.1.8.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_hour)).
    pub(crate) fn depends_on_zone(self, offset: i32) -> bool {
        match self {
            Self::Year | Self::Month | Self::Day | Self::Hour | Self::Date | Self::Time => offset != 0,
            Self::Minute => offset % 3600 != 0,
            _ => false,
        }
    }
}

/// Whether the standard has a function with this name that is not supported.
pub(crate) fn is_known_unsupported(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["aggregate", "any", "all", "hassubsequence", "hassubset", "isdefined", "matchespattern"];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

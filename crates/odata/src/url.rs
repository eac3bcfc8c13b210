//! Splitting a request's URL into decoded path segments and query options.

use std::borrow::Cow;

use crate::error::{Error, Reason};
use crate::hash::Fnv;
use crate::hint;

/// The maximum length of path and query in bytes.
pub const MAX_LENGTH: usize = 32 * 1024;

/// A path and query below the service root, decoded once; the syntax tree borrows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub(crate) segments: Vec<Segment>,
    pub(crate) options: Vec<QueryOption>,
    /// The given text without the skip token, which a next link repeats.
    pub(crate) repeated: String,
}

/// One decoded segment of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) text: String,
    /// Its start in the path.
    pub(crate) offset: usize,
}

/// One decoded query option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryOption {
    pub(crate) name: OptionName,
    pub(crate) value: String,
}

/// The kind of a query option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OptionName {
    System(SystemOption),
    /// `@p`: a value to which expressions refer.
    Alias(String),
    Custom(String),
}

macro_rules! system_options {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// The system query options of [OData URL Conventions 4.01 §5.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptions).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum SystemOption { $($variant),* }

        impl SystemOption {
            /// The name with its `$`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Finds an option by its name without `$`, in any case.
            pub(crate) fn find(bare: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|option| option.name()[1..].eq_ignore_ascii_case(bare))
            }
        }
    };
}

system_options! {
    Apply "$apply", Compute "$compute", Count "$count", DeltaToken "$deltatoken", Expand "$expand",
    Filter "$filter", Format "$format", Id "$id", Index "$index", OrderBy "$orderby",
    SchemaVersion "$schemaversion", Search "$search", Select "$select", Skip "$skip", SkipToken "$skiptoken", Top "$top",
}

impl Url {
    /// Parses a path and query as they are in the request, percent-encoded and relative to the service root:
    /// `Orders(1)?$select=Id`.
    ///
    /// # Errors
    /// If the URL is too long or badly encoded, or contains an option twice or an unknown one.
    pub fn read(path_and_query: &str) -> Result<Self, Error> {
        if path_and_query.len() > MAX_LENGTH {
            return Err(Reason::UrlTooLong(MAX_LENGTH).nowhere());
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments = segments(path)?;
        let mut url = Self { segments, options: Vec::new(), repeated: String::from(path) };
        let mut separator = '?';
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let name = option_name(&decode(name, true, "query")?)?;
            let target = match name {
                OptionName::System(system) => system.name(),
                _ => "query",
            };
            let value = decode(value, true, target)?.into_owned();
            if url.options.iter().any(|other| other.name == name && !matches!(name, OptionName::Custom(_))) {
                return Err(Reason::DuplicateOption(name.text().to_owned()).at("query", 0));
            }
            if name != OptionName::System(SystemOption::SkipToken) {
                url.repeated.push(separator);
                url.repeated.push_str(option);
                separator = '&';
            }
            url.options.push(QueryOption { name, value });
        }
        Ok(url)
    }

    /// The value of `$skiptoken`: a sealed position, which the caller must open.
    pub fn skip_token(&self) -> Option<&str> {
        self.option(SystemOption::SkipToken)
    }

    /// Whether `$format` chooses the representation, whatever the `Accept` header says.
    pub fn names_format(&self) -> bool {
        self.option(SystemOption::Format).is_some()
    }

    /// The request in words for people who judge it later: the path without the values of keys, also of those that parameter
    /// aliases stand for, and the query options of OData without the skip token and the addresses of entities.
    pub fn in_words(&self) -> String {
        let mut words = String::new();
        let mut keys = Vec::new();
        for segment in &self.segments {
            words.push_str(if words.is_empty() { "" } else { "/" });
            match segment.text.split_once('(') {
                Some((name, key)) if !name.starts_with('$') => {
                    words.push_str(name);
                    words.push_str("(…)");
                    keys.extend(self.aliases_used_in(key).into_iter().map(|(alias, _)| alias));
                }
                _ => words.push_str(&segment.text),
            }
        }
        let is_told = |option: &&QueryOption| match &option.name {
            OptionName::System(system) => !matches!(system, SystemOption::SkipToken | SystemOption::Id),
            OptionName::Alias(_) => true,
            OptionName::Custom(_) => false,
        };
        for (at, option) in self.options.iter().filter(is_told).enumerate() {
            words.push(if at == 0 { '?' } else { '&' });
            words.push_str(option.name.text());
            words.push('=');
            words.push_str(if keys.contains(&option.name.text()) { "…" } else { &option.value });
        }
        words
    }

    /// The name at which the path starts, which may be that of an entity set, or the names of the entity sets of a cross join;
    /// one that is empty for the service document.
    pub fn first_names(&self) -> impl Iterator<Item = &str> {
        let first = self.segments.first().map_or("", |segment| segment.text.as_str());
        let (name, arguments) = first.split_once('(').unwrap_or((first, ""));
        let (names, most) = if name == "$crossjoin" { (arguments, usize::MAX) } else { (name, 1) };
        names
            .splitn(most, ',')
            .map(|name| name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')')))
    }

    pub(crate) fn option(&self, wanted: SystemOption) -> Option<&str> {
        let wanted = OptionName::System(wanted);
        self.options.iter().find(|option| option.name == wanted).map(|option| option.value.as_str())
    }

    /// The parameter aliases that a text names, and those that their values name in turn, with their values.
    pub(crate) fn aliases_used_in(&self, text: &str) -> Vec<(&str, &str)> {
        let aliases = self.options.iter().filter_map(|option| match &option.name {
            OptionName::Alias(name) => Some((name.as_str(), option.value.as_str())),
            _ => None,
        });
        let mut left: Vec<(&str, &str)> = aliases.collect();
        let mut used: Vec<(&str, &str)> = Vec::new();
        let mut texts = vec![text];
        while let Some(text) = texts.pop() {
            let (named, others): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(name, _)| text.contains(name));
            left = others;
            texts.extend(named.iter().map(|(_, value)| *value));
            used.extend(named);
        }
        used
    }

    /// A hash that distinguishes requests, but not the pages of one request.
    pub(crate) fn shape(&self) -> u64 {
        let mut hash = Fnv::new();
        for segment in &self.segments {
            hash.field(segment.text.as_bytes());
        }
        for option in &self.options {
            if option.name != OptionName::System(SystemOption::SkipToken) {
                hash.field(option.name.text().as_bytes());
                hash.field(option.value.as_bytes());
            }
        }
        hash.finish()
    }
}

impl OptionName {
    fn text(&self) -> &str {
        match self {
            Self::System(option) => option.name(),
            Self::Alias(name) | Self::Custom(name) => name,
        }
    }
}

/// System options may be written with or without `$`, in any case; any other name with `$` is a fault, not a
/// custom option
/// ([§5.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptions)).
fn option_name(name: &str) -> Result<OptionName, Error> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    match SystemOption::find(bare) {
        Some(option) => Ok(OptionName::System(option)),
        None if name.starts_with('$') => {
            Err(Reason::UnknownOption(name.to_owned()).at("query", 0).hinting(hint::option(name)))
        }
        None if name.starts_with('@') => Ok(OptionName::Alias(name.to_owned())),
        None => Ok(OptionName::Custom(name.to_owned())),
    }
}

/// Splits before decoding, as
/// [§2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_URLComponents)
/// requires: an encoded slash belongs to its segment.
fn segments(path: &str) -> Result<Vec<Segment>, Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = Vec::new();
    let mut offset = 0;
    if path.is_empty() {
        return Ok(segments);
    }
    for raw in path.split('/') {
        let text = decode(raw, false, "path")?.into_owned();
        let length = text.len();
        segments.push(Segment { text, offset });
        offset += length + 1;
    }
    Ok(segments)
}

/// Decodes one segment of a path.
///
/// # Errors
/// If a percent escape is invalid, or if the text is not UTF-8 or contains a NUL.
pub fn segment(text: &str) -> Result<Cow<'_, str>, Error> {
    let decoded = decode(text, false, "path")?;
    if decoded.contains('\0') { Err(Reason::BadText.at("path", 0)) } else { Ok(decoded) }
}

/// Percent-decodes; a plus in a query is a space, because the form encoders of Go and Java write spaces that
/// way.
fn decode<'t>(text: &'t str, plus_is_blank: bool, target: &'static str) -> Result<Cow<'t, str>, Error> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        index += 1;
        match byte {
            b'%' => {
                let digit = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(index), digit(index + 1)) else {
                    return Err(Reason::BadPercentEncoding.at(target, decoded.len()));
                };
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                index += 2;
            }
            b'+' if plus_is_blank => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    // NUL is an ordinary character here: texts in databases may contain it, and so may keys.
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| Reason::BadText.at(target, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_of_a_text_are_those_that_it_names_and_what_they_name() {
        let url = Url::read("A?@a=1&@b=@a add @c&@c='%26'&@d=4&$top=1").unwrap();
        assert_eq!(url.aliases_used_in("x eq @b"), [("@b", "@a add @c"), ("@a", "1"), ("@c", "'&'")]);
        assert_eq!(url.aliases_used_in("x eq 1"), []);
    }

    #[test]
    fn a_path_begins_with_one_set_or_those_of_a_cross_join() {
        for (path, names) in [
            ("", &[""][..]),
            ("Ships", &["Ships"]),
            ("Ships(1)/Visits?$top=1", &["Ships"]),
            ("$metadata", &["$metadata"]),
            ("$crossjoin(Ships, Visits)/$count", &["Ships", "Visits"]),
            ("$crossjoin((Ships),((Visits)))", &["Ships", "Visits"]),
        ] {
            assert_eq!(Url::read(path).unwrap().first_names().collect::<Vec<_>>(), names, "{path}");
        }
    }

    #[test]
    fn plus_is_a_blank_in_the_query_and_a_plus_in_the_path() {
        let url = Url::read("A+B?$filter=a+eq+'%2B'").unwrap();
        assert_eq!(url.segments[0].text, "A+B");
        assert_eq!(url.option(SystemOption::Filter), Some("a eq '+'"));
    }

    #[test]
    fn system_options_go_without_dollar_and_in_any_case() {
        let url = Url::read("A?TOP=1&$Skip=2&timezone=x").unwrap();
        assert_eq!(url.option(SystemOption::Top), Some("1"));
        assert_eq!(url.option(SystemOption::Skip), Some("2"));
        assert_eq!(url.options[2].name, OptionName::Custom("timezone".into()));
    }

    #[test]
    fn an_option_given_twice_in_two_spellings_is_refused() {
        assert_eq!(Url::read("A?$top=1&top=2").unwrap_err().code(), "DuplicateOption");
    }

    #[test]
    fn an_unknown_system_option_is_refused() {
        assert_eq!(Url::read("A?$frobnicate=1").unwrap_err().code(), "UnknownOption");
    }

    #[test]
    fn bad_encoding_is_refused() {
        for broken in ["%", "%2", "%zz", "%%41", "a%", "%4", "% 41", "%ff", "%c0%80", "%c3", "%ed%a0%80"] {
            for place in
                ["A", "A/", "A(1)/x", "A?", "A?x=1&", "A?x=", "A?$filter=", "A?$skiptoken=", "A?$top=1&@p="]
            {
                let bad = format!("{place}{broken}");
                assert_eq!(Url::read(&bad).unwrap_err().code(), "BadEncoding", "{bad}");
            }
            assert!(segment(broken).is_err(), "{broken}");
        }
        assert!(segment("%00").is_err());
    }

    #[test]
    fn the_skip_token_is_no_part_of_what_a_next_link_repeats() {
        let url = Url::read("A?$top=5&$skiptoken=abc&x=1").unwrap();
        assert_eq!(url.repeated, "A?$top=5&x=1");
        assert_eq!(url.shape(), Url::read("A?$top=5&x=1").unwrap().shape());
        assert_ne!(url.shape(), Url::read("A?$top=6&x=1").unwrap().shape());
    }
}

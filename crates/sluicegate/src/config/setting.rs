//! The types of settings: how each is read, shown and described.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use app::protocol::client_registration::RegistrationMode;
use oauth::application::Profile;
use serde_json::{Value, json};
use store_postgres::DatabaseUrl;

use super::Raw;

mod base_url;
mod lists;
mod mail;

pub(crate) use base_url::BaseUrl;
pub(crate) use mail::{HostName, MailProtection, OneLine};

/// A type of setting.
pub(crate) trait Setting: Sized {
    /// Reads a raw value.
    ///
    /// # Errors
    /// What it must be instead, as the end of a sentence that starts with the key.
    fn read(raw: &Raw, range: Option<&RangeInclusive<i64>>) -> Result<Self, String>;

    /// The value as it appears in the file; null if it is not set.
    fn show(&self) -> Value;

    /// The type in words.
    fn kind(range: Option<&RangeInclusive<i64>>) -> String;

    /// The type as JSON schema.
    fn schema(range: Option<&RangeInclusive<i64>>) -> Value;
}

fn must_be(kind: &str, raw: &Raw) -> String {
    let raw_config = match raw {
        // A URL may contain a password.
        Raw::Text(text) | Raw::Environment(text) if text.contains("://") && text.contains('@') => {
            "a URL with a user in it".to_owned()
        }
        Raw::Bool(value) => value.to_string(),
        Raw::Number(number) => number.to_string(),
        Raw::Text(text) | Raw::Environment(text) => format!("\"{}\"", text.escape_debug()),
        Raw::List(_) => "a list".to_owned(),
        Raw::Unfit(what) => (*what).to_owned(),
    };
    format!("must be {kind}, not {raw_config}")
}

impl Setting for bool {
    fn read(raw: &Raw, range: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        match raw {
            Raw::Bool(value) => Ok(*value),
            Raw::Environment(text) => text.parse().map_err(|_| must_be(&Self::kind(range), raw)),
            _ => Err(must_be(&Self::kind(range), raw)),
        }
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn kind(_: Option<&RangeInclusive<i64>>) -> String {
        "true or false".to_owned()
    }

    fn schema(_: Option<&RangeInclusive<i64>>) -> Value {
        json!({"type": "boolean"})
    }
}

impl Setting for u32 {
    fn read(raw: &Raw, range: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        let number = match raw {
            Raw::Number(number) => Some(*number),
            Raw::Environment(text) => text.parse().ok(),
            _ => None,
        };
        let allowed = number.filter(|number| range.is_none_or(|range| range.contains(number)));
        allowed.and_then(|number| Self::try_from(number).ok()).ok_or_else(|| must_be(&Self::kind(range), raw))
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn kind(range: Option<&RangeInclusive<i64>>) -> String {
        match range {
            Some(range) => format!("a whole number from {} to {}", range.start(), range.end()),
            None => "a whole number, 0 or more".to_owned(),
        }
    }

    fn schema(range: Option<&RangeInclusive<i64>>) -> Value {
        let (minimum, maximum) =
            range.map_or((0, i64::from(Self::MAX)), |range| (*range.start(), *range.end()));
        json!({"type": "integer", "minimum": minimum, "maximum": maximum})
    }
}

/// Values that are written as one string.
trait Written: Sized {
    const KIND: &'static str;

    fn parse(text: &str) -> Option<Self>;
    fn write(&self) -> String;

    /// Why a text of the right form is nevertheless refused, as a sentence that starts with the text.
    fn why_refused(_: &str) -> Option<String> {
        None
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}

impl<T: Written> Setting for T {
    fn read(raw: &Raw, _: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        let text = match raw {
            Raw::Text(text) | Raw::Environment(text) => Some(text),
            _ => None,
        };
        text.and_then(|text| T::parse(text)).ok_or_else(|| must_be(T::KIND, raw))
    }

    fn show(&self) -> Value {
        json!(self.write())
    }

    fn kind(_: Option<&RangeInclusive<i64>>) -> String {
        T::KIND.to_owned()
    }

    fn schema(_: Option<&RangeInclusive<i64>>) -> Value {
        T::schema()
    }
}

/// A setting without a default: if it is omitted, it is not set.
impl<T: Setting> Setting for Option<T> {
    fn read(raw: &Raw, range: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        T::read(raw, range).map(Some)
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, Setting::show)
    }

    fn kind(range: Option<&RangeInclusive<i64>>) -> String {
        T::kind(range)
    }

    fn schema(range: Option<&RangeInclusive<i64>>) -> Value {
        T::schema(range)
    }
}

impl Written for SocketAddr {
    const KIND: &'static str = "an address and port such as \"127.0.0.1:8080\" or \"[::]:8080\"";

    fn parse(text: &str) -> Option<Self> {
        let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        named.map(|port| Self::from(([127, 0, 0, 1], port))).or_else(|| text.parse().ok())
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Written for PathBuf {
    const KIND: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn write(&self) -> String {
        self.display().to_string()
    }
}

impl Written for RegistrationMode {
    const KIND: &'static str = "\"off\", \"initial_access_token\" or \"open\"";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    fn write(&self) -> String {
        self.as_str().to_owned()
    }

    fn schema() -> Value {
        json!({"enum": Self::ALL.map(Self::as_str)})
    }
}

impl Written for Profile {
    const KIND: &'static str = "\"compatible\", \"oauth21\" or \"fapi2\"";

    fn parse(text: &str) -> Option<Self> {
        Self::find(text)
    }

    fn write(&self) -> String {
        self.as_str().to_owned()
    }

    fn schema() -> Value {
        json!({"enum": Profile::ALL.map(Profile::as_str)})
    }
}

/// The URL of a database contains a password, so no fault and no document shows it.
impl Setting for DatabaseUrl {
    fn read(raw: &Raw, _: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Environment(text) => {
                text.parse().map_err(|refused| format!("is refused: {refused}"))
            }
            _ => Err(format!("must be {}", Self::kind(None))),
        }
    }

    fn show(&self) -> Value {
        json!(self.location())
    }

    fn kind(_: Option<&RangeInclusive<i64>>) -> String {
        "a URL such as \"postgres://user:password@host:5432/name\"".to_owned()
    }

    fn schema(_: Option<&RangeInclusive<i64>>) -> Value {
        json!({"type": "string", "pattern": "^postgres(ql)?://"})
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people on a terminal, otherwise JSON.
    Auto,
    /// One JSON object on each line.
    Json,
    /// For people.
    Human,
}

impl LogFormat {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Auto, "auto"), (Self::Json, "json"), (Self::Human, "human")];
}

impl Written for LogFormat {
    const KIND: &'static str = "\"auto\", \"json\" or \"human\"";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(format, _)| format)
    }

    fn write(&self) -> String {
        Self::ALL
            .into_iter()
            .find(|(format, _)| format == self)
            .map(|(_, name)| name.to_owned())
            .unwrap_or_default()
    }

    fn schema() -> Value {
        json!({"enum": Self::ALL.map(|(_, name)| name)})
    }
}

/// The log levels, in general and for single targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLevels {
    text: String,
    general: tracing::level_filters::LevelFilter,
    targets: Vec<(String, tracing::level_filters::LevelFilter)>,
}

impl LogLevels {
    /// One level for all targets.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut general = tracing::level_filters::LevelFilter::INFO;
        let mut targets = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((target, level)) => {
                    targets.push((target.trim().to_owned(), level_filter(level.trim())?));
                }
                None => general = level_filter(part)?,
            }
        }
        // The longest matching prefix applies.
        targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Some(Self { text: text.to_owned(), general, targets })
    }

    /// The level for a target.
    pub(crate) fn of(&self, target: &str) -> tracing::level_filters::LevelFilter {
        let names = |prefix: &str| {
            target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        self.targets.iter().find(|(prefix, _)| names(prefix)).map_or(self.general, |(_, level)| *level)
    }

    /// The level that no target exceeds.
    pub(crate) fn most(&self) -> tracing::level_filters::LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.general, std::cmp::Ord::max)
    }
}

fn level_filter(name: &str) -> Option<tracing::level_filters::LevelFilter> {
    let known = ["off", "error", "warn", "info", "debug", "trace"].contains(&name);
    known.then(|| tracing::level_filters::LevelFilter::from_str(name).ok()).flatten()
}

impl Written for LogLevels {
    const KIND: &'static str = "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\", and the same for single targets, \
                                such as \"info,access=warn\"";

    fn parse(text: &str) -> Option<Self> {
        Self::new(text)
    }

    fn write(&self) -> String {
        self.text.clone()
    }
}

//! Settings as their documentation shows them, and warnings about weak values.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::config::setting::Setting;

/// A setting as its documentation shows it.
pub(in crate::config) struct Described {
    /// The key, such as `rate_limit.enabled`.
    pub(in crate::config) key: String,
    /// Its purpose, in Markdown.
    pub(in crate::config) about: String,
    /// Its type, in words.
    pub(in crate::config) kind: String,
    /// Its type as JSON schema.
    pub(in crate::config) schema: Value,
    /// The default; null if there is none.
    pub(in crate::config) default: Value,
    /// The warning at start, if the setting is weaker than its default.
    pub(in crate::config) warning: Option<&'static str>,
}

/// The settings of one table of the file.
pub(in crate::config) struct Section {
    /// The name of the table; empty for the top of the file.
    pub(in crate::config) prefix: &'static str,
    /// The purpose of the table.
    pub(in crate::config) about: String,
    /// Its settings, in order.
    pub(in crate::config) settings: Vec<Described>,
}

/// Whether a value weakens security, and the warning that is logged at start.
pub(super) type Weakens<T> = Option<(fn(&T) -> bool, &'static str)>;

pub(super) fn path(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

pub(super) fn describe<T: Setting>(
    key: String,
    about: &[&str],
    range: Option<&RangeInclusive<i64>>,
    default: &T,
    weakens: Weakens<T>,
) -> Described {
    let about = text_of(about);
    let warning = weakens.map(|(_, warning)| warning);
    Described { key, about, kind: T::kind(range), schema: T::schema(range), default: default.show(), warning }
}

pub(super) fn warn<T>(
    value: &T,
    weakens: Weakens<T>,
    key: String,
    warnings: &mut Vec<(String, &'static str)>,
) {
    if let Some((is_weak, warning)) = weakens
        && is_weak(value)
    {
        warnings.push((key, warning));
    }
}

pub(super) fn text_of(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

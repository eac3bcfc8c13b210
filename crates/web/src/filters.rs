//! Template filters.

#![expect(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::inline_always,
    reason = "the attribute of a filter makes items of its own"
)]

use domain::characters;

/// A user's text in the safe form of [`characters::shown`]; used for every name and text that is not ours.
#[askama::filter_fn]
#[expect(clippy::unnecessary_wraps, reason = "filters of templates may fail")]
pub fn shown(text: impl std::fmt::Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(characters::shown(&text.to_string()).into_owned())
}

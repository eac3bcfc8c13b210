//! Template filters.

#![expect(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::inline_always,
    reason = "the attribute of a filter makes items of its own"
)]

use domain::characters;

use crate::http::base_path::BasePath;

/// A user's text in the safe form of [`characters::shown`]; used for every name and text that is not ours.
#[askama::filter_fn]
#[expect(clippy::unnecessary_wraps, reason = "filters of templates may fail")]
pub fn shown(text: impl std::fmt::Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(characters::shown(&text.to_string()).into_owned())
}

/// The address of a path of this server, as a page must write it: with the path of the public URL before it. No template
/// writes a path of ours without this filter.
#[askama::filter_fn]
pub fn path(path: impl std::fmt::Display, values: &dyn askama::Values) -> askama::Result<String> {
    let base: &BasePath = askama::get_value(values, BasePath::KEY)?;
    Ok(format!("{base}{path}"))
}

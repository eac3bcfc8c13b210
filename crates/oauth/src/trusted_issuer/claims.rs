//! What the tokens of issuers have in common.

use serde_json::Value;

use super::{IssuerSettings, TrustedIssuer};
use crate::jwt::Claims;

/// The maximum number of scopes or resources that are read.
const MOST: usize = 50;

/// Whether the token is of the issuer whose keys verify it.
pub(super) fn is_of(claims: &Claims, trusted: &TrustedIssuer) -> bool {
    claims.text("iss") == Ok(Some(&trusted.issuer))
}

/// The only audience; `None` if there is another number of them.
pub(super) fn only_audience(claims: &Claims) -> Option<&str> {
    match claims.audiences().ok()?.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// Whether the token has a constraint that nothing here honours.
pub(super) fn is_constrained(claims: &Claims) -> bool {
    ["cnf", "authorization_details"].into_iter().any(|name| claims.get(name).is_some())
}

/// The names of the scopes of the token, as this server calls them, without those that the issuer may not give; `None` if
/// the token names none. `scp` is how some issuers write it.
///
/// # Errors
/// If the claim is neither a text nor an array of texts, or is too long.
pub(super) fn scopes(claims: &Claims, settings: &IssuerSettings) -> Result<Option<Vec<String>>, ()> {
    let Some(claim) = claims.get("scope").or_else(|| claims.get("scp")) else { return Ok(None) };
    let texts = texts(claim).ok_or(())?;
    let names: Vec<&str> = texts.into_iter().flat_map(str::split_ascii_whitespace).collect();
    if names.len() > MOST {
        return Err(());
    }
    let own = |name: &str| settings.scope_names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    Ok(Some(names.into_iter().map(own).collect()))
}

/// The resources of the token, of which there may be one as a text or several as an array; empty if it names none.
///
/// # Errors
/// If the claim has another type, is empty or too long.
pub(super) fn resources(claims: &Claims) -> Result<Vec<String>, ()> {
    let Some(claim) = claims.get("resource") else { return Ok(Vec::new()) };
    let texts = texts(claim).ok_or(())?;
    if texts.is_empty() || texts.len() > MOST || texts.contains(&"") {
        return Err(());
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

fn texts(claim: &Value) -> Option<Vec<&str>> {
    match claim {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

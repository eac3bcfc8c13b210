//! Which user a token of an issuer is about.

use serde_json::Value;

use super::{IssuerSettings, SubjectKind};
use crate::jwt::Claims;

/// A user, as the token names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The name of a user.
    Name(String),
    /// The mail address of a user, for which an administrator vouches.
    Email(String),
}

/// The user whom the claims name; `None` if they name nobody. No account is created for a subject.
pub fn subject_of(claims: &Claims, settings: &IssuerSettings) -> Option<Subject> {
    let value = claims.get(&settings.subject_claim)?.as_str().filter(|value| !value.is_empty())?;
    match settings.subject_is {
        SubjectKind::UserName => Some(Subject::Name(value.to_owned())),
        SubjectKind::Email => is_verified(claims).then(|| Subject::Email(value.to_owned())),
        SubjectKind::Listed => settings.subjects.get(value).cloned().map(Subject::Name),
    }
}

/// An address that the issuer has not verified may be anybody's ([OpenID Connect Core
/// §5.7](https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability)).
fn is_verified(claims: &Claims) -> bool {
    match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(verified)) => verified == "true",
        _ => false,
    }
}

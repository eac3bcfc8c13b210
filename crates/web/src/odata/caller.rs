//! Who asks for data: a bearer token, or a user name and password.

use app::caller::{Caller, Origin};
use app::refusals::Reason;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::respond::odata::Problem;
use crate::{Gate, extract, noted};

/// Proves the caller before anything else is looked at.
pub(super) async fn prove(gate: &Gate, parts: &Parts, origin: &Origin) -> Result<Caller, Problem> {
    let caller = find(gate, parts, origin).await?;
    noted::caller(&caller);
    Ok(caller)
}

async fn find(gate: &Gate, parts: &Parts, origin: &Origin) -> Result<Caller, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        if parts.headers.contains_key(AUTHORIZATION) {
            malformed(gate, origin).await;
        }
        return Err(Problem::unauthenticated(
            "send one Authorization header with an access token, or with a user name and a password",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
    let credentials = credentials.trim_start();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(gate.app().caller_by_bearer(credentials, origin).await?);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        malformed(gate, origin).await;
        return Err(Problem::unauthenticated("the schemes Bearer and Basic are supported"));
    }
    let Some(credentials) = extract::basic(credentials) else {
        malformed(gate, origin).await;
        return Err(Problem::unauthenticated("the credentials in Authorization cannot be read"));
    };
    Ok(gate.app().caller_by_password(&credentials, origin).await?)
}

async fn malformed(gate: &Gate, origin: &Origin) {
    gate.app().note_refused_request(Reason::AuthorizationMalformed, None, origin).await;
}

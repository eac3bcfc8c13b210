//! `POST /oauth2/bc-authorize`: the backchannel authentication endpoint ([CIBA Core
//! §7](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7)).

use app::protocol::backchannel::{BackchannelService, IssuedAuthReqId};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

/// The wire form of the answer.
#[derive(Serialize)]
struct AcknowledgementBody<'a> {
    auth_req_id: &'a str,
    expires_in: i64,
    interval: i64,
}

impl<'a> From<&'a IssuedAuthReqId> for AcknowledgementBody<'a> {
    fn from(issued: &'a IssuedAuthReqId) -> Self {
        Self {
            auth_req_id: issued.auth_req_id.expose(),
            expires_in: issued.expires_in,
            interval: issued.interval,
        }
    }
}

/// Asks the user whom the client names.
pub async fn ask(Use(backchannel): Use<BackchannelService>, sent: Sent) -> Response {
    match backchannel.authenticate(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(issued) => respond::json(StatusCode::OK, &AcknowledgementBody::from(&issued)),
    }
}

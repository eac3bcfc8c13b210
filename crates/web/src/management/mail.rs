//! `/api/admin/mail/test`: whether the server can send mail.

use app::management::mail::{MailService, MailTest};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::refusal::{judged, problem};
use crate::extract::{Authenticated, JsonBody, Use};
use crate::http::origin::ClientOrigin;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{ManagementProblem, json};

/// To whom the mail is sent.
#[derive(Debug)]
pub(crate) struct MailTestPayload(String);

impl FromJson for MailTestPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let to = fields.string("to").unwrap_or_default().to_owned();
        fields.finish();
        Self(to)
    }
}

/// The outcome.
#[derive(Serialize)]
struct MailTestResponse {
    sent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Sends a mail to an address, and says whether the mail server has taken it.
pub(crate) async fn test(
    Use(mail): Use<MailService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<MailTestPayload>,
) -> Result<Response, ManagementProblem> {
    mail.may_test(&caller, &origin).await.map_err(problem)?;
    let to = body.judged(|payload| judged(MailService::faults_of(&payload.0)).map(|()| payload.0.clone()))?;
    let problem = match mail.test(&caller, &to, &origin).await.map_err(problem)? {
        MailTest::Sent => None,
        MailTest::NotSet => Some("no mail server is set (mail.host)".to_owned()),
        MailTest::Failed(failure) => Some(failure.to_string()),
    };
    Ok(json(StatusCode::OK, &MailTestResponse { sent: problem.is_none(), problem }))
}

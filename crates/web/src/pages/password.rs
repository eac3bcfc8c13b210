//! Changing the own password.

use app::sessions::PasswordChangeRefusal;
use app::sign_in::SignInRefusal;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use oauth::secret::Password;

use super::account::ask;
use super::form::{Form, fields};
use super::{Visit, fault, go_to, sentence, stale_form};
use crate::Gate;
use crate::origin::From;
use crate::respond::page;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    here: &'static str,
    csrf: &'a str,
    user: &'a str,
    notice: Option<&'static str>,
    problems: &'a [String],
}

/// `GET /account/password`.
pub async fn show(
    State(gate): State<Gate>,
    From(origin): From,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    let (live, cookie) = match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(None) => return ask(&visit, "/account/password"),
        Ok(Some(found)) => found,
    };
    let csrf = gate.app().csrf_token(cookie.expose());
    let changed = query.as_deref() == Some("changed");
    let shown = PasswordPage {
        here: "password",
        csrf: csrf.expose(),
        user: &live.caller.member().user.name,
        notice: changed.then_some("Your password was changed."),
        problems: &[],
    };
    page::html(StatusCode::OK, &shown, None)
}

/// `POST /account/password`.
pub async fn change(
    State(gate): State<Gate>,
    From(origin): From,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    let (live, cookie) = match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(None) => return ask(&visit, "/account/password"),
        Ok(Some(found)) => found,
    };
    if !visit.is_ours(cookie.expose(), form.field(fields::CSRF)) {
        return stale_form();
    }
    let problems = if form.field(fields::NEW) == form.field(fields::AGAIN) {
        let (current, new) =
            (Password::new(form.field(fields::CURRENT)), Password::new(form.field(fields::NEW)));
        match gate.app().change_own_password(&live, current, new, &origin).await {
            Ok(()) => return go_to("/account/password?changed"),
            Err(refusal) => match problems(refusal) {
                Ok(problems) => problems,
                Err(cause) => return fault(&cause),
            },
        }
    } else {
        vec!["The two new passwords differ.".to_owned()]
    };
    let csrf = gate.app().csrf_token(cookie.expose());
    let user = &live.caller.member().user.name;
    let shown =
        PasswordPage { here: "password", csrf: csrf.expose(), user, notice: None, problems: &problems };
    page::html(StatusCode::BAD_REQUEST, &shown, None)
}

fn problems(refusal: PasswordChangeRefusal) -> Result<Vec<String>, app::Fault> {
    match refusal {
        PasswordChangeRefusal::Fault(cause) | PasswordChangeRefusal::SignIn(SignInRefusal::Fault(cause)) => {
            Err(cause)
        }
        PasswordChangeRefusal::SignIn(SignInRefusal::Refused) => {
            Ok(vec!["The current password is wrong, or the account is locked.".to_owned()])
        }
        other => Ok(vec![sentence(&other.to_string())]),
    }
}

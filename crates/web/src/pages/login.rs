//! Signing in.

use app::Fault;
use app::authorize::OnTheWay;
use app::caller::Origin;
use app::sign_in::{Credentials, SignInRefusal};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use oauth::parameters::Parameters;
use oauth::secret::Password;

use super::form::{Form, fields};
use super::{Visit, fault, go_to, sentence, stale_form, visitor_name, with_cookie};
use crate::origin::From;
use crate::respond::page;
use crate::{Gate, cookies};

/// The page with the form.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    application: Option<&'a str>,
    problem: Option<&'a str>,
    csrf: &'a str,
    continue_to: &'a str,
    username: &'a str,
}

/// What the form asks for, and why it is shown again.
#[derive(Debug, Default)]
pub struct Asking<'a> {
    /// Where to go on afterwards: a path of ours with its query.
    pub continue_to: &'a str,
    /// What went wrong the last time.
    pub problem: Option<&'a str>,
    /// The name that was given the last time.
    pub username: &'a str,
}

impl Visit<'_> {
    /// The sign-in page.
    pub async fn ask_to_sign_in(&self, status: StatusCode, asking: &Asking<'_>) -> Response {
        let on_the_way = match self.on_the_way(asking.continue_to).await {
            Ok(found) => found,
            Err(cause) => return fault(&cause),
        };
        let (visitor, fresh) = self.visitor();
        let csrf = self.gate.app().csrf_token(&visitor);
        let shown = LoginPage {
            application: on_the_way.as_ref().map(|way| way.application.as_str()),
            problem: asking.problem,
            csrf: csrf.expose(),
            continue_to: asking.continue_to,
            username: asking.username,
        };
        let settings = self.gate.settings();
        let cookie = fresh.then(|| cookies::set(visitor_name(self.gate), &visitor, None, settings)).flatten();
        let form_action = on_the_way.as_ref().map(|way| way.form_action.as_str());
        with_cookie(page::html(status, &shown, form_action), cookie)
    }

    /// The application whose request waits for this sign-in.
    async fn on_the_way(&self, continue_to: &str) -> Result<Option<OnTheWay>, Fault> {
        let Some((path, query)) = continue_to.split_once('?') else { return Ok(None) };
        if !path.ends_with("/oauth2/authorize") {
            return Ok(None);
        }
        match Parameters::from_form(query.as_bytes()) {
            Ok(parameters) => self.gate.app().on_the_way(&parameters).await,
            Err(_) => Ok(None),
        }
    }
}

/// `GET /login`.
pub async fn show(
    State(gate): State<Gate>,
    From(origin): From,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let wanted = query.one(fields::CONTINUE).ok().flatten().unwrap_or_default();
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    visit.ask_to_sign_in(StatusCode::OK, &Asking { continue_to: onward(wanted), ..Asking::default() }).await
}

/// `POST /login`.
pub async fn sign_in(
    State(gate): State<Gate>,
    From(origin): From,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    let visitor = cookies::value(&headers, visitor_name(&gate)).unwrap_or_default();
    if !visit.is_ours(visitor, form.field(fields::CSRF)) {
        return stale_form();
    }
    let credentials = Credentials {
        name: form.field(fields::USERNAME).to_owned(),
        password: Password::new(form.field(fields::PASSWORD)),
    };
    match open(&gate, &credentials, &origin).await {
        Ok(cookie) => {
            with_cookie(go_to(onward(form.field(fields::CONTINUE))), cookies::open(&cookie, gate.settings()))
        }
        Err(refusal) => refused(&visit, &form, &refusal).await,
    }
}

async fn open(
    gate: &Gate,
    credentials: &Credentials,
    origin: &Origin,
) -> Result<oauth::secret::SessionCookie, SignInRefusal> {
    let member = gate.app().sign_in(credentials, origin).await?;
    let (_, cookie) = gate.app().open_session(member, origin).await?;
    Ok(cookie)
}

async fn refused(visit: &Visit<'_>, form: &Form, refusal: &SignInRefusal) -> Response {
    if let SignInRefusal::Fault(cause) = refusal {
        return fault(cause);
    }
    let problem = sentence(&refusal.to_string());
    let status = match refusal {
        SignInRefusal::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    let asking = Asking {
        continue_to: onward(form.field(fields::CONTINUE)),
        problem: Some(&problem),
        username: form.field(fields::USERNAME),
    };
    let mut response = visit.ask_to_sign_in(status, &asking).await;
    if let SignInRefusal::TooOften { retry_after_secs } = refusal {
        response.headers_mut().insert(RETRY_AFTER, (*retry_after_secs).into());
    }
    response
}

/// Where a sign-in may go on to: pages of ours that need one. Anything else leads to the account, so that nobody can be
/// sent to another site through us.
pub(crate) fn onward(wanted: &str) -> &str {
    let begins = ["/oauth2/authorize?", "/api/mgmt/oauth2/authorize?", "/account"];
    let plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = wanted.split('?').next().unwrap_or_default();
    if plain && !path.contains("//") && begins.iter().any(|begin| wanted.starts_with(begin)) {
        wanted
    } else {
        "/account"
    }
}

/// The page with and without what it can hold.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let empty = LoginPage { application: None, problem: None, csrf: "c", continue_to: "", username: "" };
    let full = LoginPage {
        application: Some(HOSTILE),
        problem: Some(HOSTILE),
        csrf: "c",
        continue_to: HOSTILE,
        username: HOSTILE,
    };
    vec![rendered(&empty), rendered(&full)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_goes_on_to_our_own_pages_only() {
        for good in
            ["/oauth2/authorize?a=b", "/api/mgmt/oauth2/authorize?x=//y", "/account", "/account/password"]
        {
            assert_eq!(onward(good), good);
        }
        let bad = [
            "",
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "/account//evil",
            "javascript:alert(1)",
            "/account\r\nx: y",
            "/oauth2/authorize",
        ];
        for bad in bad {
            assert_eq!(onward(bad), "/account", "{bad}");
        }
    }
}

//! Connecting a device that has no browser: its user types the code that it shows, and decides.

use app::identity::caller::LiveSession;
use app::protocol::authorize::ConsentDecision;
use app::protocol::device::{CodeRefusal, DeviceOutcome, DeviceQuestion, DeviceService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::secret::SessionCookie;
use http::StatusCode;
use oauth::device::UserCode;
use oauth::parameters::Parameters;

use super::about_application::AboutApplication;
use super::data_choice::{self, DataChoice, FinderQuery};
use super::form::{FormBody, OwnForm, fields};
use super::{Visit, fault, login, security, stale_form};
use crate::extract::Use;
use crate::filters;
use crate::http::faults::set_retry_after;
use crate::respond::page::{PageContext, sentence};

/// The page with the form for the code.
const PATH: &str = "/device";

#[derive(Template)]
#[template(path = "device.html")]
struct CodePage<'a> {
    user: &'a str,
    switch: String,
    problem: Option<&'a str>,
    code: &'a str,
    csrf: &'a str,
}

/// What the user decides about.
#[derive(Template)]
#[template(path = "device_consent.html")]
struct DeviceConsentPage<'a> {
    code: &'a str,
    about: AboutApplication<'a>,
    user: &'a str,
    switch: String,
    scopes: &'a [String],
    data: Option<DataChoice>,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DonePage<'a> {
    application: &'a str,
    allowed: bool,
}

/// `GET /device`. A code in the address is filled in, and the user compares it with the one on the device: "it is
/// RECOMMENDED that the server also displays the code" ([RFC 8628
/// §3.3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.3.1)).
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let code = normal_form(query.one(fields::USER_CODE).ok().flatten().unwrap_or_default());
    let (live, cookie) = match visit.signed_in(&here(&code)).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    ask_code(&visit, StatusCode::OK, &live, &cookie, &code, None)
}

/// `POST /device`: the code that was typed. Shows what the device asks for.
pub async fn find(visit: Visit, Use(devices): Use<DeviceService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match own_form(&visit, &form).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    match devices.question(form.field(fields::USER_CODE), &live, &visit.origin).await {
        Ok(question) => ask_consent(&visit, &question, &live, &cookie, &FinderQuery::default()),
        Err(refusal) => refused(&visit, &form, &refusal, &live, &cookie).await,
    }
}

/// `POST /device/consent`: the button that was pressed.
pub async fn decide(visit: Visit, Use(devices): Use<DeviceService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match own_form(&visit, &form).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let Some(decision) = data_choice::decision(&form) else { return stale_form() };
    let choice = data_choice::chosen(&form);
    match devices.decide(form.field(fields::USER_CODE), &live, decision, choice.as_ref(), &visit.origin).await
    {
        Ok(DeviceOutcome::ChooseAgain(question)) => {
            ask_consent(&visit, &question, &live, &cookie, &FinderQuery::of(&form))
        }
        Ok(DeviceOutcome::Done(application)) => {
            let done = DonePage { application: &application, allowed: decision == ConsentDecision::Allow };
            visit.page(StatusCode::OK, &done, PageContext::Own)
        }
        Err(refusal) => refused(&visit, &form, &refusal, &live, &cookie).await,
    }
}

/// The session of the user who sent one of our forms.
async fn own_form(visit: &Visit, form: &FormBody) -> Result<(LiveSession, SessionCookie), Response> {
    let code = normal_form(form.field(fields::USER_CODE));
    let (live, cookie) = visit.signed_in(&here(&code)).await?;
    visit.demand_own_form(cookie.expose(), form.field(fields::CSRF), Some(&live.caller)).await?;
    Ok((live, cookie))
}

/// The page to which a sign-in returns.
fn here(code: &str) -> String {
    if code.is_empty() { PATH.to_owned() } else { format!("{PATH}?user_code={code}") }
}

/// The code as a device shows it; empty if the text cannot be one.
fn normal_form(typed: &str) -> String {
    UserCode::parse(typed).map_or_else(String::new, |code| code.for_people())
}

async fn refused(
    visit: &Visit,
    form: &FormBody,
    refusal: &CodeRefusal,
    live: &LiveSession,
    cookie: &SessionCookie,
) -> Response {
    let typed = form.field(fields::USER_CODE);
    let status = match refusal {
        CodeRefusal::Fault(cause) => return fault(cause),
        CodeRefusal::SignInAgain => {
            let continue_to = here(&normal_form(typed));
            let prompt = login::SignInPrompt { continue_to: &continue_to, ..Default::default() };
            return visit.ask_to_sign_in(StatusCode::OK, &prompt).await;
        }
        CodeRefusal::SecondFactorMissing => {
            return security::lead(visit, live, cookie, &here(&normal_form(typed))).await;
        }
        CodeRefusal::Refused(_) => StatusCode::BAD_REQUEST,
        CodeRefusal::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    let problem = sentence(&refusal.to_string());
    let mut response = ask_code(visit, status, live, cookie, typed, Some(&problem));
    if let CodeRefusal::TooOften { retry_after_secs } = refusal {
        set_retry_after(&mut response, Some(*retry_after_secs));
    }
    response
}

fn ask_code(
    visit: &Visit,
    status: StatusCode,
    live: &LiveSession,
    cookie: &SessionCookie,
    code: &str,
    problem: Option<&str>,
) -> Response {
    let csrf = visit.csrf_token(cookie.expose());
    let user = &live.caller.account().user.name;
    let switch = login::switch_user(&here(&normal_form(code)));
    visit.page(status, &CodePage { user, switch, problem, code, csrf: csrf.expose() }, PageContext::Own)
}

fn ask_consent(
    visit: &Visit,
    question: &DeviceQuestion,
    live: &LiveSession,
    cookie: &SessionCookie,
    query: &FinderQuery,
) -> Response {
    let csrf = visit.csrf_token(cookie.expose());
    let shown = DeviceConsentPage {
        code: &question.user_code,
        about: AboutApplication::of(&question.application, question.is_verified),
        user: &live.caller.account().user.name,
        switch: login::switch_user(&here(&question.user_code)),
        scopes: &question.scopes,
        data: question.data.as_ref().map(|data| DataChoice::new(data, query)),
        csrf: csrf.expose(),
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::about_application;
    use super::tests::{HOSTILE, rendered};
    let hostile = [HOSTILE.to_owned()];
    let consent = |data: Option<DataChoice>| DeviceConsentPage {
        code: "WDJB-MJHT",
        about: about_application::sample(&hostile, data.is_some()),
        user: HOSTILE,
        switch: String::from("/login"),
        scopes: &hostile,
        data,
        csrf: "c",
    };
    let with_data = data_choice::samples().into_iter().map(|data| rendered(&consent(Some(data))));
    let others = [
        rendered(&CodePage {
            user: HOSTILE,
            switch: String::from("/login"),
            problem: None,
            code: "",
            csrf: "c",
        }),
        rendered(&CodePage {
            user: HOSTILE,
            switch: String::from("/login"),
            problem: Some(HOSTILE),
            code: HOSTILE,
            csrf: "c",
        }),
        rendered(&consent(None)),
        rendered(&DonePage { application: HOSTILE, allowed: true }),
        rendered(&DonePage { application: HOSTILE, allowed: false }),
    ];
    others.into_iter().chain(with_data).collect()
}

//! `GET` and `POST /oauth2/authorize`, and the form of the consent page.

use app::Fault;
use app::authorize::{Answer, ConsentQuestion, Decision};
use app::caller::{LiveSession, Origin};
use app::sign_in::SignInRefusal;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;
use oauth::secret::SessionCookie;

use crate::extract::basic;
use crate::origin::From;
use crate::pages::form::{Form, fields};
use crate::pages::login::Asking;
use crate::pages::{Visit, fault, go_to, sentence, stale_form, with_cookie};
use crate::respond::page;
use crate::{Gate, cookies};

/// Where the sign-in page comes back to.
const PATH: &str = "/oauth2/authorize";
/// Where the consent page sends its form.
const CONSENT: &str = "/oauth2/consent";

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    application: &'a str,
    description: &'a str,
    owner: &'a str,
    user: &'a str,
    next: &'a str,
    scopes: &'a [&'static str],
    reaches_data: bool,
    data_sources: &'a [String],
    action: &'static str,
    csrf: &'a str,
    request: &'a str,
}

/// `GET`: what all browsers do.
pub async fn show(
    State(gate): State<Gate>,
    From(origin): From,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match Parameters::from_form(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => answer(&gate, &origin, &headers, &parameters).await,
        Err(refusal) => refused(refusal),
    }
}

/// `POST`: parameters come from the body only.
pub async fn show_posted(
    State(gate): State<Gate>,
    From(origin): From,
    headers: HeaderMap,
    form: Form,
) -> Response {
    answer(&gate, &origin, &headers, form.parameters()).await
}

/// The consent page's buttons.
pub async fn decide(
    State(gate): State<Gate>,
    From(origin): From,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    let request = form.field(fields::REQUEST);
    let (live, cookie) = match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(Some(found)) => found,
        Ok(None) => {
            let continue_to = format!("{PATH}?{request}");
            return visit
                .ask_to_sign_in(StatusCode::OK, &Asking { continue_to: &continue_to, ..Asking::default() });
        }
    };
    if !visit.is_ours(cookie.expose(), form.field(fields::CSRF)) {
        return stale_form();
    }
    let decision = match form.field(fields::DECISION) {
        "allow" => Decision::Allow,
        "deny" => Decision::Deny,
        _ => return stale_form(),
    };
    let parameters = match Parameters::from_form(request.as_bytes()) {
        Ok(parameters) => parameters,
        Err(refusal) => return refused(refusal),
    };
    match gate.app().decide_consent(&parameters, &live, decision, &origin).await {
        Err(cause) => fault(&cause),
        Ok(answer) => shown(&visit, &answer, Some((&live, &cookie))),
    }
}

async fn answer(gate: &Gate, origin: &Origin, headers: &HeaderMap, parameters: &Parameters) -> Response {
    let visit = Visit { gate, headers, origin };
    let (session, fresh) = match signed_in(&visit).await {
        Ok(found) => found,
        Err(SignInRefusal::Fault(cause)) => return fault(&cause),
        Err(refusal) => return not_signed_in(&visit, &refusal),
    };
    let live = session.as_ref().map(|(live, _)| live);
    let response = match gate.app().authorize(parameters, live).await {
        Err(cause) => fault(&cause),
        Ok(answer) => shown(&visit, &answer, session.as_ref().map(|(live, cookie)| (live, cookie))),
    };
    let cookie = session.filter(|_| fresh).and_then(|(_, cookie)| cookies::open(&cookie, gate.settings()));
    with_cookie(response, cookie)
}

/// A session with its cookie.
type Signed = Option<(LiveSession, SessionCookie)>;

/// The session of the browser; without one an `Authorization: Basic` header opens one, as Hybrid Data Pipeline documents
/// it. Whether it was opened just now is the second part.
async fn signed_in(visit: &Visit<'_>) -> Result<(Signed, bool), SignInRefusal> {
    if let Some(found) = visit.session().await? {
        return Ok((Some(found), false));
    }
    let header = visit.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, text)) = header.and_then(|header| header.split_once(' ')) else {
        return Ok((None, false));
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok((None, false));
    }
    let credentials = basic(text).ok_or(SignInRefusal::Refused)?;
    let member = visit.gate.app().sign_in(&credentials, visit.origin).await?;
    let opened = visit.gate.app().open_session(member, visit.origin).await?;
    Ok((Some(opened), true))
}

fn not_signed_in(visit: &Visit<'_>, refusal: &SignInRefusal) -> Response {
    let problem = sentence(&refusal.to_string());
    let asking = Asking { problem: Some(&problem), ..Asking::default() };
    let SignInRefusal::TooOften { retry_after_secs } = refusal else {
        return visit.ask_to_sign_in(StatusCode::UNAUTHORIZED, &asking);
    };
    let mut response = visit.ask_to_sign_in(StatusCode::TOO_MANY_REQUESTS, &asking);
    response.headers_mut().insert(RETRY_AFTER, (*retry_after_secs).into());
    response
}

fn shown(visit: &Visit<'_>, answer: &Answer, session: Option<(&LiveSession, &SessionCookie)>) -> Response {
    match answer {
        Answer::Page(refusal) => refused(*refusal),
        Answer::Redirect(location) => go_to(location),
        Answer::SignIn { application, query } => {
            let continue_to = format!("{PATH}?{query}");
            let asking =
                Asking { continue_to: &continue_to, application: Some(application), ..Asking::default() };
            visit.ask_to_sign_in(StatusCode::OK, &asking)
        }
        Answer::Consent(question) => match session {
            Some((live, cookie)) => ask_consent(visit, question, live, cookie),
            None => fault(&Fault::Broken("a consent was asked of nobody".into())),
        },
    }
}

fn ask_consent(
    visit: &Visit<'_>,
    question: &ConsentQuestion,
    live: &LiveSession,
    cookie: &SessionCookie,
) -> Response {
    let csrf = visit.gate.app().csrf_token(cookie.expose());
    let shown = ConsentPage {
        application: &question.application,
        description: &question.description,
        owner: &question.owner,
        user: &live.caller.member().user.name,
        next: &question.next,
        scopes: &question.scopes,
        reaches_data: question.reaches_data,
        data_sources: &question.data_sources,
        action: CONSENT,
        csrf: csrf.expose(),
        request: &question.query,
    };
    page::html(StatusCode::OK, &shown, Some(&question.form_action))
}

/// What a person reads when client or redirect URL are wrong; nothing is sent to anybody.
fn refused(refusal: Refusal) -> Response {
    let message = format!(
        "The application that sent you here made a mistake: {}. Nothing was sent to it. Its developer can mend this.",
        refusal.description()
    );
    page::error(StatusCode::BAD_REQUEST, "This request cannot be answered", &message)
}

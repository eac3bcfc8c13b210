//! `GET` and `POST /oauth2/authorize`, and the form of the consent page.

use crate::extract::Use;
use app::identity::caller::LiveSession;
use app::identity::refusals::RefusalService;
use app::identity::sessions::SessionService;
use app::identity::sign_in::SignInRefusal;
use app::identity::sign_in::SignInService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::authorize::AuthorizationService;
use app::protocol::authorize::{
    AuthorizeAnswer, ClientResponse, ConsentQuestion, RequestingBrowser, SignedInBrowser,
};
use app::{App, Fault};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::secret::SessionCookie;
use http::StatusCode;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use oauth::authorize::{AuthorizeRequest, Delivery};
use oauth::error::ErrorCode;
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;

use crate::filters;
use crate::http::authorization::Authorization;
use crate::http::cookies;
use crate::http::faults::set_retry_after;
use crate::pages::about_application::AboutApplication;
use crate::pages::data_choice::{self, DataChoice, FinderQuery};
use crate::pages::form::{FormBody, OwnForm, fields};
use crate::pages::login::{self, SignInPrompt};
use crate::pages::security;
use crate::pages::{DestinationInWords, Visit, fault, go_to, stale_form};
use crate::respond::challenge;
use crate::respond::page::{self, sentence};

pub(crate) mod form_post;
mod leaving;

/// The path to which the sign-in page returns.
const PATH: &str = "/oauth2/authorize";
/// The path to which the consent page sends its form.
const CONSENT: &str = "/oauth2/consent";

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    about: AboutApplication<'a>,
    goal: DestinationInWords,
    user: &'a str,
    switch: String,
    scopes: &'a [String],
    data: Option<DataChoice>,
    action: &'static str,
    csrf: &'a str,
    request: &'a str,
}

/// The services of the endpoint, which signs in users with Basic credentials.
pub struct AuthorizeServices {
    authorization: AuthorizationService,
    users: SignInService,
    sessions: SessionService,
    refusals: RefusalService,
}

impl From<&App> for AuthorizeServices {
    fn from(app: &App) -> Self {
        Self { authorization: app.into(), users: app.into(), sessions: app.into(), refusals: app.into() }
    }
}

impl AuthorizeServices {
    async fn note(&self, visit: &Visit, reason: RefusalReason) {
        self.refusals.note_request(reason, None, &visit.origin).await;
    }

    async fn open_session(
        &self,
        visit: &Visit,
        sent: Authorization<'_>,
    ) -> Result<(LiveSession, SessionCookie), SignInRefusal> {
        let Some(credentials) = sent.user() else {
            self.note(visit, RefusalReason::AuthorizationMalformed).await;
            return Err(SignInRefusal::Refused);
        };
        let account = self.users.sign_in(&credentials, &visit.origin).await?;
        self.sessions.open(account, None, None, visit.device(), &visit.origin).await
    }
}

/// `GET`: the usual request of a browser.
pub async fn show(
    visit: Visit,
    Use(services): Use<AuthorizeServices>,
    RawQuery(query): RawQuery,
) -> Response {
    match Parameters::from_form(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => answer(&visit, &services, &parameters).await,
        Err(refusal) => refused(refusal),
    }
}

/// `POST`: parameters come only from the body. If a page of the client sent them, the browser withholds our
/// cookies, and sends them when it repeats the request with `GET`.
pub async fn show_posted(visit: Visit, Use(services): Use<AuthorizeServices>, form: FormBody) -> Response {
    match visit.repeat_with_get(PATH, form.parameters(), AuthorizeRequest::KNOWN) {
        Some(repeat) => repeat,
        None => answer(&visit, &services, form.parameters()).await,
    }
}

/// The buttons of the consent page.
pub async fn decide(
    visit: Visit,
    Use(authorization): Use<AuthorizationService>,
    OwnForm(form): OwnForm,
) -> Response {
    let request = form.field(fields::REQUEST);
    let (live, cookie) = match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(Some(found)) => found,
        Ok(None) => {
            let continue_to = format!("{PATH}?{request}");
            return visit
                .ask_to_sign_in(
                    StatusCode::OK,
                    &SignInPrompt { continue_to: &continue_to, ..SignInPrompt::default() },
                )
                .await;
        }
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let Some(decision) = data_choice::decision(&form) else { return stale_form() };
    let parameters = match Parameters::from_form(request.as_bytes()) {
        Ok(parameters) => parameters,
        Err(refusal) => return refused(refusal),
    };
    let choice = data_choice::chosen(&form);
    let state = visit.browser_state();
    let browser = SignedInBrowser { session: &live, state: state.as_ref() };
    match authorization.decide_consent(&parameters, browser, decision, choice.as_ref(), &visit.origin).await {
        Err(cause) => fault(&cause),
        Ok(answer) => shown(&visit, &answer, Some((&live, &cookie)), &FinderQuery::of(&form)).await,
    }
}

async fn answer(visit: &Visit, services: &AuthorizeServices, parameters: &Parameters) -> Response {
    match visit.session().await {
        Err(cause) => fault(&cause),
        Ok(found) => answer_to(visit, services, parameters, found).await,
    }
}

/// Client and redirect URL are checked before any password: a request without them is reported to the user, and no session
/// is opened for it.
async fn answer_to(
    visit: &Visit,
    services: &AuthorizeServices,
    parameters: &Parameters,
    found: Option<(LiveSession, SessionCookie)>,
) -> Response {
    let state = visit.browser_state();
    let browser = RequestingBrowser { session: found.as_ref().map(|(live, _)| live), state: state.as_ref() };
    let answer = match services.authorization.authorize(parameters, browser, &visit.origin).await {
        Err(cause) => return fault(&cause),
        Ok(answer) => answer,
    };
    if found.is_none() && !matches!(answer, AuthorizeAnswer::Page(_)) {
        match Authorization::find(&visit.headers) {
            Ok(None) => {}
            Ok(Some(sent)) if sent.is_basic() => {
                if visit.initiator.may_open_session_by_basic() {
                    return answer_to_basic(visit, services, parameters, &answer, sent).await;
                }
                services.note(visit, RefusalReason::BasicOfAnother).await;
            }
            Ok(Some(_)) | Err(_) => services.note(visit, RefusalReason::AuthorizationMalformed).await,
        }
    }
    let session = found.as_ref().map(|(live, cookie)| (live, cookie));
    shown(visit, &answer, session, &FinderQuery::default()).await
}

/// Without a session, an `Authorization: Basic` header of a program opens one, as Hybrid Data Pipeline
/// documents. A header that a page or a link gave to the browser opens none, because the user did not choose
/// the account. `unsigned` is the response without a session; if that is the sign-in page, the request for a
/// new sign-in has just been obeyed.
async fn answer_to_basic(
    visit: &Visit,
    services: &AuthorizeServices,
    parameters: &Parameters,
    unsigned: &AuthorizeAnswer,
    sent: Authorization<'_>,
) -> Response {
    let query = if let AuthorizeAnswer::SignIn { query } = unsigned { query } else { "" };
    let (live, cookie) = match services.open_session(visit, sent).await {
        Ok(opened) => opened,
        Err(SignInRefusal::Fault(cause)) => return fault(&cause),
        Err(refusal) => return not_signed_in(visit, &refusal, query).await,
    };
    let again = Parameters::from_form(query.as_bytes()).ok().filter(|_| !query.is_empty());
    let parameters = again.as_ref().unwrap_or(parameters);
    let state = visit.new_browser_state();
    let browser = RequestingBrowser { session: Some(&live), state: Some(&state) };
    let response = match services.authorization.authorize(parameters, browser, &visit.origin).await {
        Err(cause) => fault(&cause),
        Ok(answer) => shown(visit, &answer, Some((&live, &cookie)), &FinderQuery::default()).await,
    };
    visit.with_session(response, &cookie, &state)
}

async fn not_signed_in(visit: &Visit, refusal: &SignInRefusal, query: &str) -> Response {
    let problem = sentence(&refusal.to_string());
    let continue_to = format!("{PATH}?{query}");
    let prompt =
        SignInPrompt { continue_to: &continue_to, problem: Some(&problem), ..SignInPrompt::default() };
    let SignInRefusal::TooOften { retry_after_secs } = refusal else {
        let mut response = visit.ask_to_sign_in(StatusCode::UNAUTHORIZED, &prompt).await;
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge::BASIC));
        return response;
    };
    let mut response = visit.ask_to_sign_in(StatusCode::TOO_MANY_REQUESTS, &prompt).await;
    set_retry_after(&mut response, Some(*retry_after_secs));
    response
}

async fn shown(
    visit: &Visit,
    answer: &AuthorizeAnswer,
    session: Option<(&LiveSession, &SessionCookie)>,
    finder: &FinderQuery,
) -> Response {
    match answer {
        AuthorizeAnswer::Page(refusal) => refused(*refusal),
        AuthorizeAnswer::Respond(response) => keeping_state(visit, carried(visit, response), response),
        AuthorizeAnswer::Leave(error) => keeping_state(visit, leaving::show(visit, error), &error.response),
        AuthorizeAnswer::SignIn { query } => {
            let continue_to = format!("{PATH}?{query}");
            visit
                .ask_to_sign_in(
                    StatusCode::OK,
                    &SignInPrompt { continue_to: &continue_to, ..SignInPrompt::default() },
                )
                .await
        }
        AuthorizeAnswer::SetUpSecondFactor { query } => match session {
            Some((live, cookie)) => security::lead(visit, live, cookie, &format!("{PATH}?{query}")).await,
            None => fault(&Fault::Broken("a second factor was asked of nobody".into())),
        },
        AuthorizeAnswer::Consent(question) => match session {
            Some((live, cookie)) => ask_consent(visit, question, live, cookie, finder),
            None => fault(&Fault::Broken("a consent was asked of nobody".into())),
        },
    }
}

fn carried(visit: &Visit, response: &ClientResponse) -> Response {
    match &response.delivery {
        Delivery::Redirect(location) => go_to(location),
        Delivery::Form(form) => form_post::show(visit, form),
    }
}

/// Sets the cookie with the state that the client learns, if the browser had none.
fn keeping_state(visit: &Visit, answer: Response, response: &ClientResponse) -> Response {
    let scope = visit.state.cookie_scope();
    visit.with_cookie(answer, response.new_state.as_ref().and_then(|state| cookies::keep_state(state, scope)))
}

fn ask_consent(
    visit: &Visit,
    question: &ConsentQuestion,
    live: &LiveSession,
    cookie: &SessionCookie,
    query: &FinderQuery,
) -> Response {
    let csrf = visit.csrf_token(cookie.expose());
    let shown = ConsentPage {
        about: AboutApplication::of(&question.application, question.is_verified),
        goal: DestinationInWords::of(&question.destination),
        user: &live.caller.account().user.name,
        switch: login::switch_user(&format!("{PATH}?{}", question.query_after_sign_in)),
        scopes: &question.scopes,
        data: question.data.as_ref().map(|data| DataChoice::new(data, query)),
        action: CONSENT,
        csrf: csrf.expose(),
        request: &question.query,
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::FlowOnward)
}

/// The page for a wrong client or redirect URL; nothing is sent to anybody else.
fn refused(refusal: Refusal) -> Response {
    let code = refusal.code().as_str();
    if let Some(secs) = super::retry_after(refusal) {
        let message = format!(
            "The request of the application that sent you here cannot be answered at present: {}. Nothing was sent to it. Try again in a moment.",
            refusal.description()
        );
        // What is out of order may be a host of the client instead of this server.
        let status = match refusal.code() {
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = page::error_of_client(status, &message, code);
        set_retry_after(&mut response, Some(secs));
        return response;
    }
    let message = format!(
        "The application that sent you here made an invalid request: {}. Nothing was sent to it. Its developer can correct this.",
        refusal.description()
    );
    page::error_of_client(StatusCode::BAD_REQUEST, &message, code)
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(crate) fn samples() -> Vec<String> {
    use crate::pages::about_application;
    use crate::pages::tests::{HOSTILE, rendered};
    let scopes = ["Allow data access via OData".to_owned()];
    let contacts = [HOSTILE.to_owned()];
    let page = |data: Option<DataChoice>| ConsentPage {
        about: about_application::sample(&contacts, data.is_some()),
        goal: DestinationInWords::sample(),
        user: HOSTILE,
        switch: String::from("/login"),
        scopes: &scopes,
        data,
        action: CONSENT,
        csrf: "c",
        request: HOSTILE,
    };
    let with_data = data_choice::samples().into_iter().map(|data| rendered(&page(Some(data))));
    std::iter::once(rendered(&page(None))).chain(with_data).collect()
}

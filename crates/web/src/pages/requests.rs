//! The requests of applications to a user, who decides about them here although they started elsewhere.

use app::identity::caller::LiveSession;
use app::protocol::authorize::ConsentDecision;
use app::protocol::backchannel::{
    BackchannelAnswer, BackchannelQuestion, BackchannelRefusal, BackchannelService, WaitingRequest,
};
use askama::Template;
use axum::response::Response;
use domain::id::BackchannelAuthenticationId;
use domain::secret::SessionCookie;
use http::StatusCode;
use oauth::backchannel::AnswerRefusal;

use super::about_application::AboutApplication;
use super::account_frame::AccountFrame;
use super::data_choice::{self, DataChoice, FinderQuery};
use super::form::{OwnForm, fields};
use super::login::{self, SignInPrompt};
use super::{Visit, When, fault, security, stale_form};
use crate::extract::{Path, Use};
use crate::filters;
use crate::respond::management::ManagementProblem;
use crate::respond::page::{self, PageContext};

/// The page with all requests.
const PATH: &str = "/account/requests";

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    frame: AccountFrame,
    requests: Vec<Waiting>,
}

/// A request in the list.
struct Waiting {
    id: BackchannelAuthenticationId,
    application: String,
    message: Option<String>,
    asked: When,
    expires: When,
}

impl From<WaitingRequest> for Waiting {
    fn from(waiting: WaitingRequest) -> Self {
        Self {
            id: waiting.id,
            application: waiting.application,
            message: waiting.binding_message,
            asked: waiting.asked_at.into(),
            expires: waiting.expires_at.into(),
        }
    }
}

/// What the user decides about.
#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage<'a> {
    frame: AccountFrame,
    id: BackchannelAuthenticationId,
    about: AboutApplication<'a>,
    message: Option<&'a str>,
    address: Option<&'a str>,
    asked: When,
    expires: When,
    user: &'a str,
    switch: String,
    scopes: &'a [String],
    data: Option<DataChoice>,
    needs_sign_in: bool,
}

#[derive(Template)]
#[template(path = "request_done.html")]
struct DonePage<'a> {
    frame: AccountFrame,
    application: &'a str,
    allowed: bool,
}

type RequestPath = Result<Path<(BackchannelAuthenticationId,)>, ManagementProblem>;

/// `GET /account/requests`.
pub async fn list(visit: Visit, Use(backchannel): Use<BackchannelService>) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let waiting = match backchannel.waiting(&live).await {
        Ok(waiting) => waiting,
        Err(cause) => return fault(&cause),
    };
    let shown = RequestsPage {
        frame: visit.account_frame_with("requests", &cookie, waiting.len()),
        requests: waiting.into_iter().map(Waiting::from).collect(),
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// `GET /account/requests/{id}`.
pub async fn show(visit: Visit, Use(backchannel): Use<BackchannelService>, id: RequestPath) -> Response {
    let Ok(Path((id,))) = id else { return refused_by_rule(AnswerRefusal::Unknown) };
    let (live, cookie) = match visit.signed_in(&address_of(id)).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    match backchannel.question(id, &live).await {
        Ok(question) => ask(&visit, &question, &live, &cookie, &FinderQuery::default()),
        Err(refusal) => refused(&visit, id, &refusal, &live, &cookie).await,
    }
}

/// `POST /account/requests/{id}`: the button that was pressed.
pub async fn decide(
    visit: Visit,
    Use(backchannel): Use<BackchannelService>,
    id: RequestPath,
    OwnForm(form): OwnForm,
) -> Response {
    let Ok(Path((id,))) = id else { return refused_by_rule(AnswerRefusal::Unknown) };
    let (live, cookie) = match visit.signed_in(&address_of(id)).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    if form.field(fields::DECISION) == "sign-in" {
        return refused(&visit, id, &BackchannelRefusal::SignInAgain, &live, &cookie).await;
    }
    let Some(decision) = data_choice::decision(&form) else { return stale_form() };
    let choice = data_choice::chosen(&form);
    match backchannel.decide(id, &live, decision, choice.as_ref(), &visit.origin).await {
        Ok(BackchannelAnswer::ChooseAgain(question)) => {
            ask(&visit, &question, &live, &cookie, &FinderQuery::of(&form))
        }
        Ok(BackchannelAnswer::Done(application)) => {
            let done = DonePage {
                frame: visit.account_frame("requests", &live, &cookie).await,
                application: &application,
                allowed: decision == ConsentDecision::Allow,
            };
            visit.page(StatusCode::OK, &done, PageContext::Own)
        }
        Err(refusal) => refused(&visit, id, &refusal, &live, &cookie).await,
    }
}

fn address_of(id: BackchannelAuthenticationId) -> String {
    format!("{PATH}/{id}")
}

async fn refused(
    visit: &Visit,
    id: BackchannelAuthenticationId,
    refusal: &BackchannelRefusal,
    live: &LiveSession,
    cookie: &SessionCookie,
) -> Response {
    match refusal {
        BackchannelRefusal::Fault(cause) => fault(cause),
        BackchannelRefusal::SecondFactorMissing => security::lead(visit, live, cookie, &address_of(id)).await,
        BackchannelRefusal::Refused(refusal) => refused_by_rule(*refusal),
        BackchannelRefusal::SignInAgain => {
            let prompt = SignInPrompt {
                notice: None,
                continue_to: &address_of(id),
                problem: Some("Enter your password again; then you can allow the request."),
                username: &live.caller.account().user.name,
            };
            visit.ask_to_sign_in(StatusCode::OK, &prompt).await
        }
    }
}

fn refused_by_rule(refusal: AnswerRefusal) -> Response {
    let status = match refusal {
        AnswerRefusal::Unknown => StatusCode::NOT_FOUND,
        AnswerRefusal::Expired | AnswerRefusal::Decided => StatusCode::BAD_REQUEST,
    };
    let way = page::Way { address: PATH, name: "Requests to you" };
    page::refuse_with(status, &refusal.to_string(), way)
}

fn ask(
    visit: &Visit,
    question: &BackchannelQuestion,
    live: &LiveSession,
    cookie: &SessionCookie,
    query: &FinderQuery,
) -> Response {
    let shown = RequestPage {
        frame: visit.account_frame_with("requests", cookie, 0),
        id: question.request.id,
        about: AboutApplication::of(&question.application, question.is_verified),
        message: question.request.binding_message.as_deref(),
        address: question.request.address.as_deref(),
        asked: question.request.created_at.into(),
        expires: question.request.expires_at.into(),
        user: &live.caller.account().user.name,
        switch: login::switch_user(PATH),
        scopes: &question.scopes,
        data: question.data.as_ref().map(|data| DataChoice::new(data, query)),
        needs_sign_in: question.needs_sign_in,
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::about_application;
    use super::tests::{HOSTILE, rendered};
    let hostile = [HOSTILE.to_owned()];
    let id = BackchannelAuthenticationId::new(7);
    let at = || When::from(domain::time::Timestamp::from_secs(1_760_000_000));
    let list = |messages: &[Option<&str>]| RequestsPage {
        frame: AccountFrame::sample("requests", messages.len()),
        requests: messages
            .iter()
            .map(|message| Waiting {
                id,
                application: HOSTILE.to_owned(),
                message: message.map(str::to_owned),
                asked: at(),
                expires: at(),
            })
            .collect(),
    };
    let request = |message: &'static str, data: Option<DataChoice>| RequestPage {
        frame: AccountFrame::sample("requests", 0),
        id,
        about: about_application::sample(&hostile, data.is_some()),
        message: Some(message).filter(|message| !message.is_empty()),
        address: Some("192.0.2.7").filter(|_| data.is_some()),
        asked: at(),
        expires: at(),
        user: HOSTILE,
        switch: String::from("/login"),
        scopes: &hostile,
        needs_sign_in: data.is_none(),
        data,
    };
    let done = |allowed, waiting| DonePage {
        frame: AccountFrame::sample("requests", waiting),
        application: HOSTILE,
        allowed,
    };
    let with_data = data_choice::samples().into_iter().map(|data| rendered(&request(HOSTILE, Some(data))));
    let others = [
        rendered(&list(&[])),
        rendered(&list(&[None, Some(HOSTILE)])),
        rendered(&request("", None)),
        rendered(&done(true, 0)),
        rendered(&done(false, 2)),
    ];
    others.into_iter().chain(with_data).collect()
}

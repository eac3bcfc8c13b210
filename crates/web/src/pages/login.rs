//! Signing in.

use std::sync::Arc;

use app::Fault;
use app::identity::sessions::SessionService;
use app::identity::sign_in::SignInService;
use app::identity::sign_in::{ShownFactor, SignInCredentials, SignInRefusal};
use app::node::entity_cache::Account;
use app::protocol::authorize::RequestingApplication;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::secret::{Password, SessionCookie};
use http::StatusCode;
use oauth::parameters::Parameters;

use super::form::{FormBody, OwnForm, fields};
use super::{DestinationInWords, Visit, fault, go_to};
use crate::extract::Use;
use crate::filters;
use crate::http::cookies;
use crate::http::faults::set_retry_after;
use crate::respond::page::{self, sentence};

pub mod factor;

/// The page with the form.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    application: Option<&'a str>,
    is_verified: bool,
    /// Whether the user comes to connect a device.
    has_device: bool,
    destination: Option<DestinationInWords>,
    /// Where a forgotten password leads, if the server sends mail.
    forgot: Option<ForgotLink>,
    notice: Option<&'static str>,
    problem: Option<&'a str>,
    csrf: &'a str,
    continue_to: &'a str,
    username: &'a str,
}

/// The parameters of the form, and why it is shown again.
#[derive(Debug, Default)]
pub struct SignInPrompt<'a> {
    /// Where to continue afterwards: one of our paths with its query.
    pub continue_to: &'a str,
    /// What the user has just done.
    pub notice: Option<&'static str>,
    /// The error of the last attempt.
    pub problem: Option<&'a str>,
    /// The name of the last attempt.
    pub username: &'a str,
}

impl Visit {
    /// The sign-in page. If it cannot be bound to this browser, the browser is first redirected to the same
    /// page, to which it sends its cookies.
    pub async fn ask_to_sign_in(&self, status: StatusCode, prompt: &SignInPrompt<'_>) -> Response {
        let requesting_application = match self.requesting_application(prompt.continue_to).await {
            Ok(found) => found,
            Err(cause) => return fault(&cause),
        };
        let (visitor, fresh) = self.visitor();
        if fresh && !self.may_set_cookies() && !self.method.is_safe() {
            return go_to(onward(prompt.continue_to));
        }
        let csrf = self.csrf_token(&visitor);
        let hint =
            requesting_application.as_ref().and_then(|way| way.login_hint.as_deref()).unwrap_or_default();
        let shown = LoginPage {
            application: requesting_application.as_ref().map(|way| way.application.as_str()),
            is_verified: requesting_application.as_ref().is_some_and(|way| way.is_verified),
            has_device: prompt.continue_to.split('?').next() == Some("/device"),
            destination: requesting_application.as_ref().map(|way| DestinationInWords::of(&way.destination)),
            forgot: self.forgotten.is_offered().then(|| ForgotLink::at(FORGOT, prompt.continue_to)),
            notice: prompt.notice,
            problem: prompt.problem,
            csrf: csrf.expose(),
            continue_to: prompt.continue_to,
            username: if prompt.username.is_empty() { hint } else { prompt.username },
        };
        let scope = self.state.cookie_scope();
        let cookie = fresh.then(|| cookies::set(scope.visitor_name(), &visitor, None, scope)).flatten();
        // Also after a refused request the browser goes on to the client, with the error.
        let place = match request_in(prompt.continue_to) {
            Some(_) => page::PageContext::FlowOnward,
            None => page::PageContext::Flow,
        };
        self.with_cookie(self.page(status, &shown, place), cookie)
    }

    /// The application whose request waits for this sign-in.
    async fn requesting_application(
        &self,
        continue_to: &str,
    ) -> Result<Option<RequestingApplication>, Fault> {
        let Some(query) = request_in(continue_to) else { return Ok(None) };
        match Parameters::from_form(query.as_bytes()) {
            Ok(parameters) => self.authorization.requesting_application(&parameters).await,
            Err(_) => Ok(None),
        }
    }
}

/// The authorization request to which a path leads, as a query string.
fn request_in(continue_to: &str) -> Option<&str> {
    let (path, query) = continue_to.split_once('?')?;
    path.ends_with("/oauth2/authorize").then_some(query)
}

/// The path of the sign-in page that returns to one of our paths, for a user who wants to sign in as another one; empty
/// if it is too long for an address. The session lasts until somebody has signed in.
pub(crate) fn switch_user(continue_to: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(fields::CONTINUE.spelling, continue_to);
    let path = format!("/login?{}", query.finish());
    if path.len() > LONGEST_SWITCH { String::new() } else { path }
}

/// The page for those who have forgotten their passwords.
const FORGOT: &str = "/forgot";

/// A path with the request that waits, if both are short enough for an address.
#[derive(Debug, Clone)]
pub(super) struct ForgotLink(pub(super) String);

impl ForgotLink {
    pub(super) fn at(path: &str, continue_to: &str) -> Self {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair(fields::CONTINUE.spelling, continue_to);
        let whole = format!("{path}?{}", query.finish());
        Self(if continue_to.is_empty() || whole.len() > LONGEST_SWITCH { path.to_owned() } else { whole })
    }
}

/// The maximum length of such a path in bytes, which every browser and proxy accepts.
const LONGEST_SWITCH: usize = 4_000;

/// `GET /login`.
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let wanted = query.one(fields::CONTINUE).ok().flatten().unwrap_or_default();
    let chosen = query.one(fields::CHOSEN).ok().flatten().is_some();
    let notice = chosen.then_some("Your password is set. Sign in with it now.");
    let prompt = SignInPrompt { continue_to: onward(wanted), notice, ..SignInPrompt::default() };
    visit.ask_to_sign_in(StatusCode::OK, &prompt).await
}

/// The path of the sign-in page that returns to one of our paths, after a new password was chosen.
pub(super) fn after_new_password(continue_to: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(fields::CHOSEN.spelling, "1");
    query.append_pair(fields::CONTINUE.spelling, continue_to);
    format!("/login?{}", query.finish())
}

/// `POST /login`.
pub async fn sign_in(
    visit: Visit,
    Use(users): Use<SignInService>,
    Use(sessions): Use<SessionService>,
    OwnForm(form): OwnForm,
) -> Response {
    let visitor =
        cookies::value(&visit.headers, visit.state.cookie_scope().visitor_name()).unwrap_or_default();
    if let Err(instead) = visit.demand_own_form(visitor, form.field(fields::CSRF), None).await {
        return instead;
    }
    let credentials = SignInCredentials {
        name: form.field(fields::USERNAME).to_owned(),
        password: Password::new(form.field(fields::PASSWORD)),
    };
    let account = match users.check_password(&credentials, &visit.origin).await {
        Ok(account) => account,
        Err(refusal) => return refused(&visit, &users, &form, &refusal).await,
    };
    if account.user.has_second_factor {
        let ticket = match users.half(&account, visitor, &visit.origin).await {
            Ok(ticket) => ticket,
            Err(refusal) => return refused(&visit, &users, &form, &refusal).await,
        };
        return factor::ask(&visit, &ticket, onward(form.field(fields::CONTINUE)));
    }
    match open(&visit, &sessions, account, None).await {
        Ok(cookie) => signed_in(&visit, &form, &cookie),
        Err(refusal) => refused(&visit, &users, &form, &refusal).await,
    }
}

/// The browser goes on with its session.
fn signed_in(visit: &Visit, form: &FormBody, cookie: &SessionCookie) -> Response {
    let onward = go_to(onward(form.field(fields::CONTINUE)));
    visit.with_session(onward, cookie, &visit.new_browser_state())
}

/// Opens a session; the previous session of the browser ends.
async fn open(
    visit: &Visit,
    sessions: &SessionService,
    account: Arc<Account>,
    shown: Option<ShownFactor>,
) -> Result<SessionCookie, SignInRefusal> {
    let until_now = cookies::session(&visit.headers, visit.state.cookie_scope());
    let (_, cookie) =
        sessions.open(account, shown, until_now.as_ref(), visit.device(), &visit.origin).await?;
    Ok(cookie)
}

/// The sign-in page again, with the reason.
async fn refused(visit: &Visit, users: &SignInService, form: &FormBody, refusal: &SignInRefusal) -> Response {
    if let SignInRefusal::Fault(cause) = refusal {
        return fault(cause);
    }
    let problem = match problem(users, refusal).await {
        Ok(problem) => problem,
        Err(cause) => return fault(&cause),
    };
    let status = match refusal {
        SignInRefusal::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        SignInRefusal::AddressNotAllowed => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let prompt = SignInPrompt {
        continue_to: onward(form.field(fields::CONTINUE)),
        notice: None,
        problem: Some(&problem),
        username: form.field(fields::USERNAME),
    };
    let mut response = visit.ask_to_sign_in(status, &prompt).await;
    if let SignInRefusal::TooOften { retry_after_secs } = refusal {
        set_retry_after(&mut response, Some(*retry_after_secs));
    }
    response
}

/// The message for the user. A user who must not learn whether the account exists gets a message that holds
/// for every account.
async fn problem(users: &SignInService, refusal: &SignInRefusal) -> Result<String, Fault> {
    let problem = sentence(&refusal.to_string());
    if !matches!(refusal, SignInRefusal::Refused) {
        return Ok(problem);
    }
    let minutes = users.lock_minutes().await?;
    Ok(minutes.map_or(problem.clone(), |minutes| {
        format!(
            "{problem} After several wrong passwords an account is locked for {minutes} minutes; an administrator \
             can unlock it sooner."
        )
    }))
}

/// Where a sign-in may continue: our own pages that need a session. Anything else leads to the account page,
/// so that nobody can be redirected to another site through us.
pub(crate) fn onward(wanted: &str) -> &str {
    let begins = ["/oauth2/authorize?", "/api/mgmt/oauth2/authorize?", "/account", "/device?"];
    let plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = wanted.split('?').next().unwrap_or_default();
    let is_ours = wanted == "/device" || begins.iter().any(|begin| wanted.starts_with(begin));
    if plain && !path.contains("//") && is_ours { wanted } else { "/account" }
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let empty = LoginPage {
        application: None,
        is_verified: false,
        has_device: false,
        destination: None,
        forgot: None,
        notice: None,
        problem: None,
        csrf: "c",
        continue_to: "",
        username: "",
    };
    let full = LoginPage {
        application: Some(HOSTILE),
        is_verified: false,
        has_device: false,
        destination: Some(DestinationInWords::sample()),
        forgot: Some(ForgotLink::at(FORGOT, HOSTILE)),
        notice: Some("Your password is set. Sign in with it now."),
        problem: Some(HOSTILE),
        csrf: "c",
        continue_to: HOSTILE,
        username: HOSTILE,
    };
    let for_device = LoginPage { has_device: true, ..empty };
    vec![rendered(&for_device), rendered(&full), rendered(&LoginPage { has_device: false, ..for_device })]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_continues_only_to_our_own_pages() {
        for good in [
            "/oauth2/authorize?a=b",
            "/api/mgmt/oauth2/authorize?x=//y",
            "/account",
            "/account/password",
            "/device",
            "/device?user_code=WDJB-MJHT",
        ] {
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
            "/devices",
        ];
        for bad in bad {
            assert_eq!(onward(bad), "/account", "{bad}");
        }
    }
}

//! The security of one's account: the second factor and its recovery codes.

use app::identity::caller::LiveSession;
use app::identity::second_factor::{SecondFactorFault, SecondFactorService, SetUp};
use app::identity::sign_in::SignInRefusal;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::secret::{Password, RecoveryCode, SessionCookie, StepTicket};
use http::StatusCode;
use oauth::parameters::Parameters;

use super::account_frame::AccountFrame;
use super::form::{FormBody, OwnForm, fields};
use super::login::onward;
use super::{Visit, When, fault, go_to};
use crate::extract::Use;
use crate::filters;
use crate::http::faults::set_retry_after;
use crate::respond::page::{PageContext, sentence};

mod qr;

use qr::QrCode;

/// The page with the state.
pub(super) const PATH: &str = "/account/security";
/// The page on which a second factor is set up.
const NEW: &str = "/account/security/new";
/// The page on which the recovery codes are replaced.
const RECOVERY: &str = "/account/security/recovery";
/// The page on which the second factor is removed.
const REMOVE: &str = "/account/security/remove";

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: AccountFrame,
    /// Whether the second factor was just removed.
    was_removed: bool,
    since: Option<When>,
    recovery_codes: u32,
}

#[derive(Template)]
#[template(path = "security_new.html")]
struct NewPage<'a> {
    frame: AccountFrame,
    user: &'a str,
    /// Whether the user cannot continue without.
    is_needed: bool,
    problem: Option<&'a str>,
    continue_to: &'a str,
    /// What the authenticator reads, after the password.
    set_up: Option<ShownSetUp<'a>>,
}

/// A secret, for people and for authenticators.
struct ShownSetUp<'a> {
    code: QrCode,
    /// In groups of four, so that people can type it.
    secret: String,
    address: &'a str,
    ticket: &'a str,
}

#[derive(Template)]
#[template(path = "security_codes.html")]
struct CodesPage<'a> {
    frame: AccountFrame,
    is_new: bool,
    codes: &'a [RecoveryCode],
    continue_to: &'a str,
}

/// A page that asks for the password and a code.
#[derive(Template)]
#[template(path = "security_prove.html")]
struct ProvePage<'a> {
    frame: AccountFrame,
    user: &'a str,
    problem: Option<&'a str>,
    purpose: Purpose,
}

/// For what the password and a code are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Renew,
    Remove,
}

impl Purpose {
    const fn path(self) -> &'static str {
        match self {
            Self::Renew => RECOVERY,
            Self::Remove => REMOVE,
        }
    }
}

/// `GET /account/security`.
pub async fn show(
    visit: Visit,
    Use(factors): Use<SecondFactorService>,
    RawQuery(query): RawQuery,
) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let found = match factors.find(&live).await {
        Ok(found) => found,
        Err(cause) => return fault(&cause),
    };
    let shown = SecurityPage {
        frame: visit.account_frame("security", &live, &cookie).await,
        was_removed: query.as_deref() == Some("removed"),
        since: found.as_ref().map(|factor| factor.created_at.into()),
        recovery_codes: found.map_or(0, |factor| factor.recovery_codes),
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// `GET /account/security/new`: asks for the password.
pub async fn ask_new(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let wanted = query.one(fields::CONTINUE).ok().flatten().unwrap_or(PATH);
    let (live, cookie) = match visit.signed_in(NEW).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    if live.caller.account().user.has_second_factor {
        return go_to(PATH);
    }
    SecurityVisit { visit: &visit, live: &live, cookie: &cookie }
        .ask_password(StatusCode::OK, onward(wanted), None)
        .await
}

/// The same for a user who cannot continue without a second factor.
pub(crate) async fn lead(
    visit: &Visit,
    live: &LiveSession,
    cookie: &SessionCookie,
    continue_to: &str,
) -> Response {
    SecurityVisit { visit, live, cookie }.ask_password(StatusCode::OK, continue_to, None).await
}

/// `POST /account/security/new`: shows the secret after the password, and the recovery codes after a code.
pub async fn set_up(
    visit: Visit,
    Use(factors): Use<SecondFactorService>,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.own_form(NEW, &form).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let at = SecurityVisit { visit: &visit, live: &live, cookie: &cookie };
    let continue_to = onward(form.field(fields::CONTINUE));
    if form.field(fields::TICKET).is_empty() {
        let password = Password::new(form.field(fields::PASSWORD));
        return match factors.begin(&live, &cookie, password, &visit.origin).await {
            Ok(set_up) => at.ask_code(StatusCode::OK, &set_up, continue_to, None).await,
            Err(refusal) => at.password_refused(&refusal, continue_to).await,
        };
    }
    let ticket = StepTicket::new(form.field(fields::TICKET));
    match factors.confirm(&live, &cookie, &ticket, form.field(fields::CODE), &visit.origin).await {
        Ok(codes) => at.show_codes(&codes, true, continue_to).await,
        Err(refusal @ SecondFactorFault::NotConfirmed) => match factors.again(&live, &cookie, &ticket) {
            Ok(set_up) => {
                let problem = sentence(&refusal.to_string());
                at.ask_code(StatusCode::BAD_REQUEST, &set_up, continue_to, Some(&problem)).await
            }
            Err(refusal) => at.password_refused(&refusal, continue_to).await,
        },
        Err(refusal) => at.password_refused(&refusal, continue_to).await,
    }
}

/// `GET /account/security/recovery`.
pub async fn ask_recovery(visit: Visit) -> Response {
    ask_proof(&visit, Purpose::Renew).await
}

/// `GET /account/security/remove`.
pub async fn ask_to_remove(visit: Visit) -> Response {
    ask_proof(&visit, Purpose::Remove).await
}

async fn ask_proof(visit: &Visit, purpose: Purpose) -> Response {
    let (live, cookie) = match visit.signed_in(purpose.path()).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    if !live.caller.account().user.has_second_factor {
        return go_to(PATH);
    }
    SecurityVisit { visit, live: &live, cookie: &cookie }.ask_proof(StatusCode::OK, purpose, None).await
}

/// `POST /account/security/recovery`.
pub async fn renew(visit: Visit, Use(factors): Use<SecondFactorService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match visit.own_form(RECOVERY, &form).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let at = SecurityVisit { visit: &visit, live: &live, cookie: &cookie };
    let password = Password::new(form.field(fields::PASSWORD));
    match factors.renew(&live, password, form.field(fields::CODE), &visit.origin).await {
        Ok(codes) => at.show_codes(&codes, false, PATH).await,
        Err(refusal) => at.proof_refused(&refusal, Purpose::Renew).await,
    }
}

/// `POST /account/security/remove`.
pub async fn remove(
    visit: Visit,
    Use(factors): Use<SecondFactorService>,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.own_form(REMOVE, &form).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let at = SecurityVisit { visit: &visit, live: &live, cookie: &cookie };
    let password = Password::new(form.field(fields::PASSWORD));
    match factors.remove(&live, password, form.field(fields::CODE), &visit.origin).await {
        Ok(()) => go_to("/account/security?removed"),
        Err(refusal) => at.proof_refused(&refusal, Purpose::Remove).await,
    }
}

impl Visit {
    /// The session of a browser that sent a form of its own page.
    async fn own_form(&self, here: &str, form: &FormBody) -> Result<(LiveSession, SessionCookie), Response> {
        let (live, cookie) = self.signed_in(here).await?;
        self.demand_own_form(cookie.expose(), form.field(fields::CSRF), Some(&live.caller)).await?;
        Ok((live, cookie))
    }
}

/// A user on these pages.
struct SecurityVisit<'a> {
    visit: &'a Visit,
    live: &'a LiveSession,
    cookie: &'a SessionCookie,
}

impl SecurityVisit<'_> {
    async fn frame(&self) -> AccountFrame {
        self.visit.account_frame("security", self.live, self.cookie).await
    }

    fn user(&self) -> &str {
        &self.live.caller.account().user.name
    }

    async fn ask_password(&self, status: StatusCode, continue_to: &str, problem: Option<&str>) -> Response {
        let frame = self.frame().await;
        let shown = NewPage {
            frame,
            user: self.user(),
            is_needed: continue_to != PATH,
            problem,
            continue_to,
            set_up: None,
        };
        self.visit.page(status, &shown, PageContext::Own)
    }

    async fn ask_code(
        &self,
        status: StatusCode,
        set_up: &SetUp,
        continue_to: &str,
        problem: Option<&str>,
    ) -> Response {
        let address = set_up.address.expose();
        let shown = ShownSetUp {
            code: QrCode::of(address),
            secret: in_groups(set_up.secret.expose()),
            address,
            ticket: set_up.ticket.expose(),
        };
        let frame = self.frame().await;
        let shown =
            NewPage { frame, user: self.user(), is_needed: false, problem, continue_to, set_up: Some(shown) };
        self.visit.page(status, &shown, PageContext::Own)
    }

    async fn show_codes(&self, codes: &[RecoveryCode], is_new: bool, continue_to: &str) -> Response {
        let shown = CodesPage { frame: self.frame().await, is_new, codes, continue_to };
        self.visit.page(StatusCode::OK, &shown, PageContext::Own)
    }

    async fn ask_proof(&self, status: StatusCode, purpose: Purpose, problem: Option<&str>) -> Response {
        let shown = ProvePage { frame: self.frame().await, user: self.user(), problem, purpose };
        self.visit.page(status, &shown, PageContext::Own)
    }

    async fn password_refused(&self, refusal: &SecondFactorFault, continue_to: &str) -> Response {
        match Problem::of(refusal) {
            Ok(problem) => {
                let page = self.ask_password(problem.status(), continue_to, Some(&problem.message)).await;
                problem.on(page)
            }
            Err(cause) => fault(cause),
        }
    }

    async fn proof_refused(&self, refusal: &SecondFactorFault, purpose: Purpose) -> Response {
        match Problem::of(refusal) {
            Ok(problem) => {
                let page = self.ask_proof(problem.status(), purpose, Some(&problem.message)).await;
                problem.on(page)
            }
            Err(cause) => fault(cause),
        }
    }
}

/// Why nothing was changed, for the user.
struct Problem {
    message: String,
    retry_after_secs: Option<u32>,
}

impl Problem {
    fn of(refusal: &SecondFactorFault) -> Result<Self, &app::Fault> {
        let retry_after_secs = match refusal {
            SecondFactorFault::Fault(cause) | SecondFactorFault::SignIn(SignInRefusal::Fault(cause)) => {
                return Err(cause);
            }
            SecondFactorFault::SignIn(SignInRefusal::TooOften { retry_after_secs }) => {
                Some(*retry_after_secs)
            }
            _ => None,
        };
        let message = match refusal {
            SecondFactorFault::SignIn(SignInRefusal::Refused) => {
                "The password is wrong, or the account is locked.".to_owned()
            }
            other => sentence(&other.to_string()),
        };
        Ok(Self { message, retry_after_secs })
    }

    fn status(&self) -> StatusCode {
        if self.retry_after_secs.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::BAD_REQUEST }
    }

    fn on(&self, mut page: Response) -> Response {
        set_retry_after(&mut page, self.retry_after_secs);
        page
    }
}

/// A text in groups of four characters.
fn in_groups(text: &str) -> String {
    let mut groups = String::with_capacity(text.len() * 5 / 4);
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            groups.push(' ');
        }
        groups.push(character);
    }
    groups
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let frame = || AccountFrame::sample("security", 0);
    let when = || When::from(domain::time::Timestamp::from_secs(1_760_000_000));
    let state = |was_removed, since, recovery_codes| SecurityPage {
        frame: frame(),
        was_removed,
        since,
        recovery_codes,
    };
    let set_up = || ShownSetUp {
        code: QrCode::of("otpauth://totp/sample"),
        secret: in_groups("MZXW6YTBOI"),
        address: "otpauth://totp/sample",
        ticket: "t",
    };
    let new = |problem, set_up: Option<ShownSetUp<'static>>| NewPage {
        frame: frame(),
        user: HOSTILE,
        is_needed: set_up.is_none(),
        problem,
        continue_to: HOSTILE,
        set_up,
    };
    let codes = [RecoveryCode::new("abcde-fgh27")];
    let shown = |is_new, continue_to| CodesPage { frame: frame(), is_new, codes: &codes, continue_to };
    let prove = |purpose, problem| ProvePage { frame: frame(), user: HOSTILE, problem, purpose };
    vec![
        rendered(&state(true, None, 0)),
        rendered(&state(false, Some(when()), 0)),
        rendered(&state(false, Some(when()), 1)),
        rendered(&state(false, Some(when()), 10)),
        rendered(&new(None, None)),
        rendered(&new(Some(HOSTILE), Some(set_up()))),
        rendered(&shown(true, "/account/security")),
        rendered(&shown(false, "/oauth2/authorize?a=b&c=d")),
        rendered(&prove(Purpose::Renew, None)),
        rendered(&prove(Purpose::Remove, Some(HOSTILE))),
    ]
}

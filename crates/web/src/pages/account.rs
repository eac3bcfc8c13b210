//! A user's own account: who they are, and which applications have access to their data.

use crate::extract::Use;
use app::identity::acting::ActingRefusal;
use app::identity::acting::DelegationService;
use app::identity::caller::LiveSession;
use app::management::allowed::{
    AllowedApplication, AllowedApplicationService, ReachedData, RevokeAllowedError,
};
use app::management::roles::RoleService;
use app::management::scopes::ScopeService;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::id::ApplicationId;
use domain::secret::{CsrfToken, SessionCookie};
use http::StatusCode;
use oauth::parameters::{Name, Parameters};
use oauth::scope::ScopeRegistry;
use url::Url;

use super::account_frame::AccountFrame;
use super::form::{OwnForm, fields};
use super::{HandedOver, Visit, When, fault, go_to, stale_form};
use crate::extract::Path;
use crate::filters;
use crate::respond::management::ManagementProblem;
use crate::respond::page;

/// The maximum number of applications on a page.
const PER_PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: AccountFrame,
    user: &'a str,
    roles: String,
    since: When,
}

#[derive(Template)]
#[template(path = "applications.html")]
struct ApplicationsPage {
    frame: AccountFrame,
    /// The name of the application whose access was just revoked.
    revoked: Option<String>,
    applications: Vec<Connected>,
    /// The last application of this page, if there are more.
    more_after: Option<ApplicationId>,
}

#[derive(Template)]
#[template(path = "revoke.html")]
struct RevokePage<'a> {
    frame: AccountFrame,
    id: ApplicationId,
    name: &'a str,
}

/// An application with access.
struct Connected {
    id: ApplicationId,
    name: String,
    created_by: String,
    handed_over: Option<HandedOver>,
    scopes: String,
    /// The data that it reaches; `None` if it reaches none.
    data: Option<ReachedData>,
    /// Where the user begins a sign-in there, if it has such a page.
    login: Option<Login>,
    since: When,
    last_used: Option<When>,
}

/// The page of an application at which a sign-in begins.
struct Login {
    address: String,
    host: String,
}

impl Login {
    fn at(address: String) -> Option<Self> {
        let host = Url::parse(&address).ok()?.host_str()?.to_owned();
        Some(Self { address, host })
    }
}

impl Connected {
    fn new(row: AllowedApplication, registry: &ScopeRegistry) -> Self {
        let AllowedApplication { allowed, data, login_address } = row;
        let scopes = registry.descriptions(&allowed.scopes).join(", ");
        let created_by = allowed.created_by().to_owned();
        let (to, handover) = (allowed.owner_name, allowed.handed_over);
        Self {
            id: allowed.application,
            name: allowed.name,
            created_by,
            handed_over: handover.map(|handover| HandedOver { to, at: handover.at.into() }),
            scopes,
            data,
            login: login_address.and_then(Login::at),
            since: allowed.since.into(),
            last_used: allowed.last_used_at.map(When::from),
        }
    }
}

/// `GET /account`.
pub async fn show(visit: Visit, Use(roles): Use<RoleService>) -> Response {
    let (live, cookie) = match visit.signed_in("/account").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let roles = match roles.names_of(live.caller.account()).await {
        Ok(names) => names.join(", "),
        Err(cause) => return fault(&cause),
    };
    let shown = AccountPage {
        frame: visit.account_frame("account", &live, &cookie).await,
        user: &live.caller.account().user.name,
        roles,
        since: live.session.auth_time.into(),
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::Own)
}

/// `GET /account/applications`.
pub async fn applications(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(allowed): Use<AllowedApplicationService>,
    Use(scopes): Use<ScopeService>,
    RawQuery(query): RawQuery,
) -> Response {
    let (live, cookie) = match visit.signed_in("/account/applications").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let query = query.as_deref().unwrap_or_default();
    let mut rows = match list(&delegation, &allowed, &live, after(query)).await {
        Ok(rows) => rows,
        Err(cause) => return fault(&cause),
    };
    let registry = match scopes.registry().await {
        Ok(registry) => registry,
        Err(cause) => return fault(&cause),
    };
    let goes_on = rows.len() > PER_PAGE as usize;
    rows.truncate(PER_PAGE as usize);
    let shown = ApplicationsPage {
        frame: visit.account_frame("applications", &live, &cookie).await,
        revoked: just_revoked(&visit, &cookie, query),
        more_after: rows.last().filter(|_| goes_on).map(|row| row.allowed.application),
        applications: rows.into_iter().map(|one| Connected::new(one, &registry)).collect(),
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::Own)
}

/// The id after which the page begins; an invalid one gives the first page.
fn after(query: &str) -> Option<ApplicationId> {
    Parameters::from_form(query.as_bytes()).ok()?.one(AFTER).ok()??.parse().ok()
}

/// `GET /account/applications/{id}/revoke`: asks for confirmation, and names the application.
pub async fn ask_to_revoke(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(allowed): Use<AllowedApplicationService>,
    id: Result<Path<(ApplicationId,)>, ManagementProblem>,
) -> Response {
    let Ok(Path((id,))) = id else { return no_such_application("of this address") };
    let (live, cookie) = match visit.signed_in(&revoke_address(id)).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let found = match find(&visit, &delegation, &allowed, &live, id).await {
        Ok(Some(found)) => found,
        Ok(None) => return no_such_application(&id.to_string()),
        Err(cause) => return fault(&cause),
    };
    let shown = RevokePage {
        frame: visit.account_frame("applications", &live, &cookie).await,
        id,
        name: &found.allowed.name,
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::Own)
}

/// Finds what the user has allowed the application, and records a request for an application that has no
/// access.
async fn find(
    visit: &Visit,
    delegation: &DelegationService,
    allowed: &AllowedApplicationService,
    live: &LiveSession,
    id: ApplicationId,
) -> Result<Option<AllowedApplication>, app::Fault> {
    let actor = delegation.acting(live.caller.clone(), None).await.map_err(acting_fault)?;
    let found = allowed.find(&actor, id).await?;
    if found.is_none() {
        allowed.note_not_allowed(&actor, id, &visit.origin).await;
    }
    Ok(found)
}

fn revoke_address(id: ApplicationId) -> String {
    format!("/account/applications/{id}/revoke")
}

fn no_such_application(which: &str) -> Response {
    let message = format!("The application {which} has no access to your data.");
    let way = page::Way { address: "/account/applications", name: "Your connected applications" };
    page::refuse_with(StatusCode::NOT_FOUND, &message, way)
}

/// `POST /account/applications/{id}/revoke`.
pub async fn revoke(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(allowed): Use<AllowedApplicationService>,
    id: Result<Path<(ApplicationId,)>, ManagementProblem>,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.signed_in("/account/applications").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    // The extractor's own refusal has the format of the management API.
    let Ok(Path((id,))) = id else {
        return no_such_application("of this address");
    };
    let revoked = async {
        let actor = delegation.acting(live.caller.clone(), None).await.map_err(acting_fault)?;
        let name = allowed.find(&actor, id).await?;
        allowed.revoke(&actor, id, &visit.origin).await?;
        Ok::<_, RevokeAllowedError>(name.map(|found| found.allowed.name))
    };
    match revoked.await {
        Ok(Some(name)) => go_to(&told_of(&visit, &cookie, &name)),
        Ok(None) | Err(RevokeAllowedError::NotAllowed) => go_to("/account/applications"),
        Err(RevokeAllowedError::RightsChanged) => stale_form(),
        Err(RevokeAllowedError::Fault(cause)) => fault(&cause),
    }
}

/// The list with a notice that names the application. The name is in the URL, because nothing else contains
/// it any more; a seal prevents links from putting text on our page.
fn told_of(visit: &Visit, cookie: &SessionCookie, name: &str) -> String {
    let seal = visit.csrf_token(&notice_of(cookie, name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(REVOKED.spelling, name).append_pair(SEAL.spelling, seal.expose());
    format!("/account/applications?{}", query.finish())
}

fn just_revoked(visit: &Visit, cookie: &SessionCookie, query: &str) -> Option<String> {
    let query = Parameters::from_form(query.as_bytes()).ok()?;
    let (name, seal) = (query.one(REVOKED).ok()??, query.one(SEAL).ok()??);
    let holds = visit.csrf_is_valid(&notice_of(cookie, name), &CsrfToken::new(seal));
    holds.then(|| name.to_owned())
}

const REVOKED: Name = Name::new("revoked", 1024);
const SEAL: Name = Name::new("seal", 128);
const AFTER: Name = Name::new("after", 32);

/// The text under the seal; no cookie contains a space.
fn notice_of(cookie: &SessionCookie, name: &str) -> String {
    format!("{} revoked {name}", cookie.expose())
}

/// The applications of one page, and one more if there are more.
async fn list(
    delegation: &DelegationService,
    allowed: &AllowedApplicationService,
    live: &LiveSession,
    after: Option<ApplicationId>,
) -> Result<Vec<AllowedApplication>, app::Fault> {
    let actor = delegation.acting(live.caller.clone(), None).await.map_err(acting_fault)?;
    allowed.list(&actor, after, PER_PAGE + 1).await
}

/// No user is named, so nothing can be refused; a failure is passed on.
pub(super) fn acting_fault(refusal: ActingRefusal) -> app::Fault {
    match refusal {
        ActingRefusal::Fault(fault) => fault,
        other => app::Fault::Broken(Box::new(other)),
    }
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    use app::management::allowed::ReachedSource;
    let since = || When::from(domain::time::Timestamp::from_secs(1_760_000_000));
    let source = |entities: &[&str]| ReachedSource {
        name: HOSTILE.to_owned(),
        entities: entities.iter().map(|one| (*one).to_owned()).collect(),
    };
    let some = ReachedData {
        sources: vec![source(&[]), source(&[HOSTILE, "Ships"])],
        unavailable: 1,
        ..ReachedData::default()
    };
    let most = ReachedData { later: true, except: vec![HOSTILE.to_owned()], ..ReachedData::default() };
    let all = ReachedData { later: true, ..ReachedData::default() };
    let connected = |last_used| Connected {
        id: ApplicationId::new(7),
        name: HOSTILE.to_owned(),
        created_by: HOSTILE.to_owned(),
        handed_over: Some(HandedOver { to: HOSTILE.to_owned(), at: since() }),
        scopes: "Allow data access via OData".to_owned(),
        data: None,
        login: None,
        since: since(),
        last_used,
    };
    let account = AccountPage {
        frame: AccountFrame::sample("account", 2),
        user: HOSTILE,
        roles: HOSTILE.to_owned(),
        since: since(),
    };
    let empty = ApplicationsPage {
        frame: AccountFrame::sample("applications", 1),
        revoked: None,
        applications: Vec::new(),
        more_after: None,
    };
    let revoke = RevokePage {
        frame: AccountFrame::sample("applications", 0),
        id: ApplicationId::new(7),
        name: HOSTILE,
    };
    let filled = ApplicationsPage {
        frame: AccountFrame::sample("applications", 1),
        revoked: Some(HOSTILE.to_owned()),
        applications: vec![
            connected(None),
            Connected { id: ApplicationId::new(8), data: Some(some), ..connected(Some(since())) },
            Connected { id: ApplicationId::new(9), data: Some(most), ..connected(None) },
            Connected { id: ApplicationId::new(10), data: Some(all), ..connected(None) },
        ],
        more_after: Some(ApplicationId::new(8)),
    };
    vec![rendered(&account), rendered(&empty), rendered(&filled), rendered(&revoke)]
}

//! The names and passwords with which a user signs in to the databases of data sources: storing and deleting one's own.

use app::identity::acting::{Actor, DelegationService};
use app::identity::caller::LiveSession;
use app::management::data_sources::{
    CredentialsDraft, DataSourceError, DataSourceService, SourceWithLogin, StoredLogin,
};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::id::DataSourceId;
use domain::secret::SessionCookie;
use http::StatusCode;
use oauth::parameters::{Name, Parameters};

use super::account::acting_fault;
use super::account_frame::AccountFrame;
use super::form::{OwnForm, fields};
use super::{Visit, fault, go_to, stale_form};
use crate::extract::{Path, Use};
use crate::filters;
use crate::respond::management::ManagementProblem;
use crate::respond::page::{self, PageContext, sentence};

/// The page with all data sources.
const PATH: &str = "/account/logins";

/// How many data sources a page has.
const PER_PAGE: usize = 50;

const AFTER: Name = Name::new("after", 32);
const DONE: Name = Name::new("done", 16);

#[derive(Template)]
#[template(path = "logins.html")]
struct LoginsPage {
    frame: AccountFrame,
    notice: Option<&'static str>,
    sources: Vec<SourceWithLogin>,
    more_after: Option<DataSourceId>,
}

#[derive(Template)]
#[template(path = "login_store.html")]
struct StorePage<'a> {
    frame: AccountFrame,
    problem: Option<&'a str>,
    source: &'a SourceWithLogin,
    user: &'a str,
}

#[derive(Template)]
#[template(path = "login_delete.html")]
struct DeletePage<'a> {
    frame: AccountFrame,
    source: &'a SourceWithLogin,
}

type SourcePath = Result<Path<(DataSourceId,)>, ManagementProblem>;

/// `GET /account/logins`.
pub async fn list(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(sources): Use<DataSourceService>,
    RawQuery(query): RawQuery,
) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let parameter = |name| query.one(name).ok().flatten();
    let after = parameter(AFTER).and_then(|after| after.parse().ok());
    let found = async {
        let actor = own(&delegation, &live).await?;
        sources.sources_with_logins(&actor, after, PER_PAGE + 1, &visit.origin).await
    };
    let mut found = match found.await {
        Ok(found) => found,
        Err(refusal) => return refused(&refusal),
    };
    let goes_on = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let shown = LoginsPage {
        frame: visit.account_frame("account", &live, &cookie).await,
        notice: match parameter(DONE) {
            Some("stored") => Some("The login was stored."),
            Some("deleted") => Some("The login was deleted."),
            _ => None,
        },
        more_after: found.last().filter(|_| goes_on).map(|last| last.id),
        sources: found,
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

async fn own(delegation: &DelegationService, live: &LiveSession) -> Result<Actor, DataSourceError> {
    Ok(delegation.acting(live.caller.clone(), None).await.map_err(acting_fault)?)
}

/// A user at one of the data sources.
struct SourceVisit<'a> {
    visit: &'a Visit,
    live: LiveSession,
    cookie: SessionCookie,
    actor: Actor,
    source: SourceWithLogin,
}

impl<'a> SourceVisit<'a> {
    /// The visit of a page; `action` is what follows the id in its address.
    async fn begin(
        visit: &'a Visit,
        delegation: &DelegationService,
        sources: &DataSourceService,
        id: SourcePath,
        action: &str,
    ) -> Result<Self, Response> {
        let Ok(Path((id,))) = id else { return Err(no_such_source()) };
        let (live, cookie) = visit.signed_in(&format!("{PATH}/{id}{action}")).await?;
        Self::find(visit, (live, cookie), delegation, sources, id).await
    }

    /// The visit of whoever sends one of the forms.
    async fn sent(
        visit: &'a Visit,
        delegation: &DelegationService,
        sources: &DataSourceService,
        id: SourcePath,
        csrf: &str,
    ) -> Result<Self, Response> {
        let (live, cookie) = visit.signed_in(PATH).await?;
        visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await?;
        let Ok(Path((id,))) = id else { return Err(no_such_source()) };
        Self::find(visit, (live, cookie), delegation, sources, id).await
    }

    async fn find(
        visit: &'a Visit,
        (live, cookie): (LiveSession, SessionCookie),
        delegation: &DelegationService,
        sources: &DataSourceService,
        id: DataSourceId,
    ) -> Result<Self, Response> {
        let found = async {
            let actor = own(delegation, &live).await?;
            let source = sources.source_with_login(&actor, id, &visit.origin).await?;
            Ok::<_, DataSourceError>(source.map(|source| (actor, source)))
        };
        match found.await {
            Ok(Some((actor, source))) => Ok(Self { visit, live, cookie, actor, source }),
            Ok(None) => Err(no_such_source()),
            Err(refusal) => Err(refused(&refusal)),
        }
    }

    async fn frame(&self) -> AccountFrame {
        self.visit.account_frame("account", &self.live, &self.cookie).await
    }

    /// The form, with the name that was filled in; never with a password.
    async fn ask(&self, status: StatusCode, user: &str, problem: Option<&str>) -> Response {
        let shown = StorePage { frame: self.frame().await, problem, source: &self.source, user };
        self.visit.page(status, &shown, PageContext::Own)
    }
}

/// `GET /account/logins/{id}`.
pub async fn ask(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(sources): Use<DataSourceService>,
    id: SourcePath,
) -> Response {
    match SourceVisit::begin(&visit, &delegation, &sources, id, "").await {
        Ok(at) if at.source.takes_stored => at.ask(StatusCode::OK, "", None).await,
        Ok(_) => no_such_source(),
        Err(instead) => instead,
    }
}

/// `POST /account/logins/{id}`.
pub async fn store(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(sources): Use<DataSourceService>,
    id: SourcePath,
    OwnForm(form): OwnForm,
) -> Response {
    let csrf = form.field(fields::CSRF);
    let at = match SourceVisit::sent(&visit, &delegation, &sources, id, csrf).await {
        Ok(at) => at,
        Err(instead) => return instead,
    };
    let user = form.field(fields::DATABASE_USER);
    let draft = CredentialsDraft::new(user, form.field(fields::DATABASE_PASSWORD));
    match sources.store_credentials(&at.actor, at.source.id, &draft, &visit.origin).await {
        Ok(()) => go_to(&format!("{PATH}?done=stored")),
        Err(DataSourceError::Invalid(_)) if !at.source.takes_stored => no_such_source(),
        Err(DataSourceError::Invalid(_)) => at.ask(StatusCode::BAD_REQUEST, user, Some(NO_LOGIN)).await,
        Err(refusal) => refused(&refusal),
    }
}

const NO_LOGIN: &str =
    "A user name has 1 to 255 bytes and a password 1 to 1,024 bytes, both without control characters.";

/// `GET /account/logins/{id}/delete`: asks for confirmation, and names the data source.
pub async fn ask_to_delete(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(sources): Use<DataSourceService>,
    id: SourcePath,
) -> Response {
    let at = match SourceVisit::begin(&visit, &delegation, &sources, id, "/delete").await {
        Ok(at) => at,
        Err(instead) => return instead,
    };
    if at.source.stored == StoredLogin::Nothing {
        return page::refuse_with(StatusCode::NOT_FOUND, "You have stored no login for it.", BACK);
    }
    let shown = DeletePage { frame: at.frame().await, source: &at.source };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// `POST /account/logins/{id}/delete`.
pub async fn delete(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(sources): Use<DataSourceService>,
    id: SourcePath,
    OwnForm(form): OwnForm,
) -> Response {
    let csrf = form.field(fields::CSRF);
    let at = match SourceVisit::sent(&visit, &delegation, &sources, id, csrf).await {
        Ok(at) => at,
        Err(instead) => return instead,
    };
    match sources.delete_credentials(&at.actor, at.source.id, &visit.origin).await {
        Ok(()) => go_to(&format!("{PATH}?done=deleted")),
        Err(refusal) => refused(&refusal),
    }
}

const BACK: page::Way = page::Way { address: PATH, name: "Your logins of databases" };

fn no_such_source() -> Response {
    let message = "No data source that you may use at this address takes a login that you store.";
    page::refuse_with(StatusCode::NOT_FOUND, message, BACK)
}

/// What the browser gets if the service refuses.
fn refused(refusal: &DataSourceError) -> Response {
    match refusal {
        DataSourceError::Unknown | DataSourceError::IsGroup => no_such_source(),
        DataSourceError::RightsChanged => stale_form(),
        DataSourceError::Fault(cause) => fault(cause),
        DataSourceError::Forbidden => {
            page::refuse(StatusCode::FORBIDDEN, "You lack the permission to see data sources.")
        }
        other => page::refuse_with(StatusCode::BAD_REQUEST, &sentence(&other.to_string()), BACK),
    }
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let frame = || AccountFrame::sample("account", 0);
    let source = |takes_stored, stored| SourceWithLogin {
        id: DataSourceId::new(7),
        name: HOSTILE.to_owned(),
        description: HOSTILE.to_owned(),
        takes_stored,
        stored,
    };
    let all = vec![
        source(true, StoredLogin::Nothing),
        source(true, StoredLogin::Usable),
        source(true, StoredLogin::ForAnotherDatabase),
        source(false, StoredLogin::Usable),
    ];
    let one = source(true, StoredLogin::Usable);
    let other = source(true, StoredLogin::ForAnotherDatabase);
    vec![
        rendered(&LoginsPage { frame: frame(), notice: None, sources: Vec::new(), more_after: None }),
        rendered(&LoginsPage {
            frame: frame(),
            notice: Some("The login was stored."),
            sources: all,
            more_after: Some(DataSourceId::new(7)),
        }),
        rendered(&StorePage { frame: frame(), problem: Some(NO_LOGIN), source: &one, user: HOSTILE }),
        rendered(&StorePage { frame: frame(), problem: None, source: &other, user: "" }),
        rendered(&DeletePage { frame: frame(), source: &one }),
    ]
}

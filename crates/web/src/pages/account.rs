//! A person's own account: who they are, and which applications have access to their data.

use app::acting::ActingRefusal;
use app::caller::LiveSession;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use oauth::grant::Allowed;
use oauth::id::ApplicationId;

use super::form::{OwnForm, fields};
use super::{Visit, When, fault, go_to, stale_form};
use crate::Gate;
use crate::extract::Path;
use crate::respond::management::Problem;
use crate::respond::page;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    here: &'static str,
    csrf: &'a str,
    user: &'a str,
    roles: String,
    since: When,
}

#[derive(Template)]
#[template(path = "applications.html")]
struct ApplicationsPage<'a> {
    here: &'static str,
    csrf: &'a str,
    notice: Option<&'static str>,
    applications: Vec<Connected>,
}

/// An application that has access.
struct Connected {
    id: ApplicationId,
    name: String,
    owner: String,
    scopes: String,
    since: When,
    last_used: Option<When>,
}

impl std::convert::From<Allowed> for Connected {
    fn from(allowed: Allowed) -> Self {
        let words: Vec<&str> = allowed.scopes.iter().map(oauth::scope::Scope::in_words).collect();
        Self {
            id: allowed.application,
            name: allowed.name,
            owner: allowed.owner_name,
            scopes: words.join(", "),
            since: allowed.since.into(),
            last_used: allowed.last_used_at.map(When::from),
        }
    }
}

/// `GET /account`.
pub async fn show(visit: Visit) -> Response {
    let (live, cookie) = match visit.signed_in("/account").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let roles = match visit.gate.app().names_of_roles(live.caller.member()).await {
        Ok(names) => names.join(", "),
        Err(cause) => return fault(&cause),
    };
    let csrf = visit.gate.app().csrf_token(cookie.expose());
    let shown = AccountPage {
        here: "account",
        csrf: csrf.expose(),
        user: &live.caller.member().user.name,
        roles,
        since: live.session.auth_time.into(),
    };
    page::html(StatusCode::OK, &shown, None)
}

/// `GET /account/applications`.
pub async fn applications(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let (live, cookie) = match visit.signed_in("/account/applications").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let allowed = match list(&visit.gate, &live).await {
        Ok(allowed) => allowed,
        Err(cause) => return fault(&cause),
    };
    let csrf = visit.gate.app().csrf_token(cookie.expose());
    let revoked = query.as_deref() == Some("revoked");
    let shown = ApplicationsPage {
        here: "applications",
        csrf: csrf.expose(),
        notice: revoked.then_some("The access was revoked."),
        applications: allowed.into_iter().map(Connected::from).collect(),
    };
    page::html(StatusCode::OK, &shown, None)
}

/// `POST /account/applications/{id}/revoke`.
pub async fn revoke(
    visit: Visit,
    id: Result<Path<(ApplicationId,)>, Problem>,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.signed_in("/account/applications").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    if !visit.is_ours(cookie.expose(), form.field(fields::CSRF)) {
        return stale_form();
    }
    // The extractor's own refusal speaks the management API's form.
    let Ok(Path((id,))) = id else {
        return page::refuse(StatusCode::NOT_FOUND, "There is no such application.");
    };
    let revoked = async {
        let app = visit.gate.app();
        let actor = app.acting(live.caller.clone(), None).await.map_err(acting_fault)?;
        app.revoke_allowed(&actor, id, &visit.origin).await
    };
    match revoked.await {
        Ok(_) => go_to("/account/applications?revoked"),
        Err(cause) => fault(&cause),
    }
}

async fn list(gate: &Gate, live: &LiveSession) -> Result<Vec<Allowed>, app::Fault> {
    let actor = gate.app().acting(live.caller.clone(), None).await.map_err(acting_fault)?;
    gate.app().list_allowed(&actor).await
}

/// Nobody is named, so nothing can be refused; a fault passes through.
fn acting_fault(refusal: ActingRefusal) -> app::Fault {
    match refusal {
        ActingRefusal::Fault(fault) => fault,
        other => app::Fault::Broken(Box::new(other)),
    }
}

/// The pages with and without what they can hold.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let since = || When::from(oauth::time::Timestamp::from_secs(1_760_000_000));
    let connected = |last_used| Connected {
        id: ApplicationId::new(7),
        name: HOSTILE.to_owned(),
        owner: HOSTILE.to_owned(),
        scopes: "Allow data access via OData".to_owned(),
        since: since(),
        last_used,
    };
    let account =
        AccountPage { here: "account", csrf: "c", user: HOSTILE, roles: HOSTILE.to_owned(), since: since() };
    let empty = ApplicationsPage { here: "applications", csrf: "c", notice: None, applications: Vec::new() };
    let filled = ApplicationsPage {
        here: "applications",
        csrf: "c",
        notice: Some("The access was revoked."),
        applications: vec![
            connected(None),
            Connected { id: ApplicationId::new(8), ..connected(Some(since())) },
        ],
    };
    vec![rendered(&account), rendered(&empty), rendered(&filled)]
}

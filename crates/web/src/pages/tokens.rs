//! Personal access tokens: listing, making and ending one's own.

use app::identity::acting::{Actor, DelegationService};
use app::identity::caller::LiveSession;
use app::management::allowed::ReachedData;
use app::management::personal_access_tokens::{
    EndRefusal, MadePersonalAccessToken, MakeRefusal, NamedPersonalAccessToken, PersonalAccessTokenService,
};
use app::management::scopes::ScopeService;
use app::protocol::authorize::ConsentDecision;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::id::PersonalAccessTokenId;
use domain::secret::SessionCookie;
use domain::time::Timestamp;
use http::StatusCode;
use oauth::authorize::{Choice, DataQuestion};
use oauth::personal_access_token::{DEFAULT_LIFETIME_DAYS, PersonalAccessTokenDraft};
use oauth::scope::{BuiltInScope, ScopeRegistry};

use super::account::acting_fault;
use super::account_frame::AccountFrame;
use super::data_choice::{self, DataChoice, FinderQuery};
use super::form::{FormBody, OwnForm, fields};
use super::{Visit, When, fault, go_to, stale_form};
use crate::extract::{Path, Use};
use crate::filters;
use crate::respond::management::ManagementProblem;
use crate::respond::page::{self, PageContext, sentence};

/// The page with all tokens.
const PATH: &str = "/account/tokens";
/// The page on which one is made.
const NEW: &str = "/account/tokens/new";

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: AccountFrame,
    /// Whether one was just ended.
    has_ended: bool,
    /// Why the user cannot make another one now.
    not_now: Option<String>,
    tokens: Vec<TokenCard>,
}

#[derive(Template)]
#[template(path = "token_new.html")]
struct NewTokenPage<'a> {
    frame: AccountFrame,
    problems: Vec<String>,
    name: &'a str,
    days: u32,
    most_days: u32,
    odata: bool,
    mcp: bool,
    data: Option<DataChoice>,
}

#[derive(Template)]
#[template(path = "token_made.html")]
struct MadePage<'a> {
    frame: AccountFrame,
    name: &'a str,
    token: &'a str,
    user: &'a str,
    public_url: &'a str,
    odata: bool,
    mcp: bool,
    expires: When,
}

#[derive(Template)]
#[template(path = "token_end.html")]
struct EndPage<'a> {
    frame: AccountFrame,
    id: PersonalAccessTokenId,
    name: &'a str,
}

/// A token in the list.
struct TokenCard {
    id: PersonalAccessTokenId,
    name: String,
    scopes: String,
    data: ReachedData,
    made: When,
    expires: When,
    has_expired: bool,
    last_used: Option<When>,
}

impl TokenCard {
    fn new(named: NamedPersonalAccessToken, registry: &ScopeRegistry, now: Timestamp) -> Self {
        let NamedPersonalAccessToken { token, data } = named;
        Self {
            id: token.id,
            scopes: registry.descriptions(&token.scopes).join(", "),
            name: token.name,
            data,
            made: token.created_at.into(),
            expires: token.expires_at.into(),
            has_expired: token.expires_at.is_past(now),
            last_used: token.last_used_at.map(When::from),
        }
    }
}

type TokenPath = Result<Path<(PersonalAccessTokenId,)>, ManagementProblem>;

/// `GET /account/tokens`.
pub async fn list(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(tokens): Use<PersonalAccessTokenService>,
    Use(scopes): Use<ScopeService>,
    RawQuery(query): RawQuery,
) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let found = async {
        let actor = own(&delegation, &live).await?;
        Ok::<_, app::Fault>((tokens.list(&actor).await?, scopes.registry().await?))
    };
    let (found, registry) = match found.await {
        Ok(found) => found,
        Err(cause) => return fault(&cause),
    };
    let now = visit.state.node().now();
    let shown = TokensPage {
        frame: visit.account_frame("tokens", &live, &cookie).await,
        has_ended: query.as_deref() == Some("ended"),
        not_now: tokens.may_make(&live).err().map(|refusal| sentence(&refusal.to_string())),
        tokens: found.into_iter().map(|one| TokenCard::new(one, &registry, now)).collect(),
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

async fn own(delegation: &DelegationService, live: &LiveSession) -> Result<Actor, app::Fault> {
    delegation.acting(live.caller.clone(), None).await.map_err(acting_fault)
}

/// `GET /account/tokens/new`.
pub async fn ask(visit: Visit, Use(tokens): Use<PersonalAccessTokenService>) -> Response {
    let (live, cookie) = match visit.signed_in(NEW).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let making = NewTokenVisit { visit: &visit, live: &live, cookie: &cookie, tokens: &tokens };
    let draft = PersonalAccessTokenDraft { odata: true, ..PersonalAccessTokenDraft::default() };
    making.ask(StatusCode::OK, &draft, None, &FinderQuery::default(), Vec::new()).await
}

/// `POST /account/tokens/new`: the button that was pressed.
pub async fn make(
    visit: Visit,
    Use(tokens): Use<PersonalAccessTokenService>,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.signed_in(NEW).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let making = NewTokenVisit { visit: &visit, live: &live, cookie: &cookie, tokens: &tokens };
    let (draft, choice) = (draft_of(&form), data_choice::chosen(&form));
    match data_choice::decision(&form) {
        Some(ConsentDecision::Allow) => {}
        Some(ConsentDecision::Browse) => {
            return making.ask(StatusCode::OK, &draft, choice, &FinderQuery::of(&form), Vec::new()).await;
        }
        Some(ConsentDecision::Deny) | None => return stale_form(),
    }
    match tokens.make(&live, &draft, choice.as_ref(), &visit.origin).await {
        Ok(made) => making.made(&made).await,
        Err(refusal) => making.refused(refusal, &draft, choice, &FinderQuery::of(&form)).await,
    }
}

fn draft_of(form: &FormBody) -> PersonalAccessTokenDraft {
    PersonalAccessTokenDraft {
        name: form.field(fields::TOKEN_NAME).to_owned(),
        days: form.field(fields::DAYS).parse().ok(),
        odata: !form.field(fields::FOR_ODATA).is_empty(),
        mcp: !form.field(fields::FOR_MCP).is_empty(),
    }
}

/// A user who makes a token.
struct NewTokenVisit<'a> {
    visit: &'a Visit,
    live: &'a LiveSession,
    cookie: &'a SessionCookie,
    tokens: &'a PersonalAccessTokenService,
}

impl NewTokenVisit<'_> {
    async fn frame(&self) -> AccountFrame {
        self.visit.account_frame("tokens", self.live, self.cookie).await
    }

    /// The form as it was filled in.
    async fn ask(
        &self,
        status: StatusCode,
        draft: &PersonalAccessTokenDraft,
        choice: Option<Choice>,
        query: &FinderQuery,
        problems: Vec<String>,
    ) -> Response {
        if let Err(refusal) = self.tokens.may_make(self.live) {
            return impossible(&refusal);
        }
        match self.tokens.question(self.live, choice).await {
            Ok(question) => self.show(status, draft, &question, query, problems).await,
            Err(cause) => fault(&cause),
        }
    }

    async fn show(
        &self,
        status: StatusCode,
        draft: &PersonalAccessTokenDraft,
        question: &DataQuestion,
        query: &FinderQuery,
        problems: Vec<String>,
    ) -> Response {
        let most_days = self.visit.state.node().settings().personal_access_tokens.most_days;
        let shown = NewTokenPage {
            frame: self.frame().await,
            problems,
            name: &draft.name,
            days: draft.days.unwrap_or(DEFAULT_LIFETIME_DAYS.min(most_days)),
            most_days,
            odata: draft.odata,
            mcp: draft.mcp,
            data: Some(DataChoice::of_token(question, query)),
        };
        self.visit.page(status, &shown, PageContext::Own)
    }

    async fn made(&self, made: &MadePersonalAccessToken) -> Response {
        let shown = MadePage {
            frame: self.frame().await,
            name: &made.stored.name,
            token: made.token.expose(),
            user: &self.live.caller.account().user.name,
            public_url: &self.visit.state.node().settings().public_url,
            odata: BuiltInScope::OF_ODATA.iter().any(|scope| made.stored.scopes.contains(*scope)),
            mcp: made.stored.scopes.contains(BuiltInScope::Mcp),
            expires: made.stored.expires_at.into(),
        };
        self.visit.page(StatusCode::OK, &shown, PageContext::Own)
    }

    async fn refused(
        &self,
        refusal: MakeRefusal,
        draft: &PersonalAccessTokenDraft,
        choice: Option<Choice>,
        query: &FinderQuery,
    ) -> Response {
        let problems = match refusal {
            MakeRefusal::Invalid(faults) => faults.iter().map(|fault| sentence(&fault.to_string())).collect(),
            MakeRefusal::Full => vec![sentence(&refusal.to_string())],
            MakeRefusal::Rejected(rejected) => {
                return match self.tokens.question(self.live, None).await {
                    Ok(DataQuestion { offer, .. }) => {
                        let question = DataQuestion::again(offer, *rejected);
                        self.show(StatusCode::BAD_REQUEST, draft, &question, query, Vec::new()).await
                    }
                    Err(cause) => fault(&cause),
                };
            }
            MakeRefusal::Changed => return stale_form(),
            MakeRefusal::Fault(cause) => return fault(&cause),
            MakeRefusal::SwitchedOff | MakeRefusal::Forbidden => return impossible(&refusal),
        };
        self.ask(StatusCode::BAD_REQUEST, draft, choice, query, problems).await
    }
}

/// The page for a user who cannot make a token.
fn impossible(refusal: &MakeRefusal) -> Response {
    page::refuse_with(StatusCode::FORBIDDEN, &sentence(&refusal.to_string()), BACK)
}

const BACK: page::Way = page::Way { address: PATH, name: "Your personal access tokens" };

fn no_such_token() -> Response {
    page::refuse_with(StatusCode::NOT_FOUND, "You have no such token.", BACK)
}

/// `GET /account/tokens/{id}/end`: asks for confirmation, and names the token.
pub async fn ask_to_end(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(tokens): Use<PersonalAccessTokenService>,
    id: TokenPath,
) -> Response {
    let Ok(Path((id,))) = id else { return no_such_token() };
    let (live, cookie) = match visit.signed_in(&format!("{PATH}/{id}/end")).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let found = async { tokens.find(&own(&delegation, &live).await?, id).await };
    let found = match found.await {
        Ok(Some(found)) => found,
        Ok(None) => return no_such_token(),
        Err(cause) => return fault(&cause),
    };
    let frame = visit.account_frame("tokens", &live, &cookie).await;
    visit.page(StatusCode::OK, &EndPage { frame, id, name: &found.token.name }, PageContext::Own)
}

/// `POST /account/tokens/{id}/end`.
pub async fn end(
    visit: Visit,
    Use(delegation): Use<DelegationService>,
    Use(tokens): Use<PersonalAccessTokenService>,
    id: TokenPath,
    OwnForm(form): OwnForm,
) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let Ok(Path((id,))) = id else { return no_such_token() };
    let actor = match own(&delegation, &live).await {
        Ok(actor) => actor,
        Err(cause) => return fault(&cause),
    };
    match tokens.end(&actor, id, &visit.origin).await {
        // Somebody has ended it already.
        Ok(()) | Err(EndRefusal::Unknown) => go_to("/account/tokens?ended"),
        Err(EndRefusal::RightsChanged) => stale_form(),
        Err(EndRefusal::Fault(cause)) => fault(&cause),
    }
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let when = || When::from(Timestamp::from_secs(1_760_000_000));
    let frame = || AccountFrame::sample("tokens", 0);
    let card = |id, has_expired, changes: Vec<String>| TokenCard {
        id: PersonalAccessTokenId::new(id),
        name: HOSTILE.to_owned(),
        scopes: "Read data via OData".to_owned(),
        data: ReachedData { later: true, changes, ..ReachedData::default() },
        made: when(),
        expires: when(),
        has_expired,
        last_used: has_expired.then(when),
    };
    let list = |not_now, has_ended, tokens| TokensPage { frame: frame(), has_ended, not_now, tokens };
    let mut pages = vec![
        rendered(&list(Some("Not now.".to_owned()), false, Vec::new())),
        rendered(&list(
            None,
            true,
            vec![card(1, false, vec![HOSTILE.to_owned()]), card(2, true, Vec::new())],
        )),
        rendered(&EndPage { frame: frame(), id: PersonalAccessTokenId::new(7), name: HOSTILE }),
        rendered(&MadePage {
            frame: frame(),
            name: HOSTILE,
            token: "sgp_sample",
            user: HOSTILE,
            public_url: "https://gate.example",
            odata: true,
            mcp: true,
            expires: when(),
        }),
    ];
    for data in data_choice::samples() {
        let page = NewTokenPage {
            frame: frame(),
            problems: vec![HOSTILE.to_owned()],
            name: HOSTILE,
            days: DEFAULT_LIFETIME_DAYS,
            most_days: 366,
            odata: true,
            mcp: false,
            data: Some(DataChoice { is_of_token: true, ..data }),
        };
        pages.push(rendered(&page));
    }
    pages
}

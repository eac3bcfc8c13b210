//! Form bodies: decoded pairs, each field at most once.

use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use oauth::parameters::{Name, Parameters};
use oauth::refusal::Refusal;

use super::cross_origin_form;
use crate::WebState;
use crate::http::initiator::Initiator;
use crate::http::{body, media_type, origin};
use crate::respond::page::{self, sentence};

/// The fields of our forms, with their maximum sizes in bytes.
pub mod fields {
    use oauth::parameters::Name;

    /// An authorization request with `state`, `redirect_uri` and `authorization_details` of maximum length, every
    /// byte of them escaped.
    const REQUEST_BYTES: usize = 52 * 1024;
    /// Longer than the maximum length of a password, so that one that is too long can be refused with a
    /// message.
    const PASSWORD_BYTES: usize = 48 * 1024;

    /// Binds the form to the browser for which it was rendered.
    pub const CSRF: Name = Name::new("csrf", 128);
    /// Where to continue after the sign-in.
    pub const CONTINUE: Name = Name::new("continue", REQUEST_BYTES);
    /// The name at sign-in.
    pub const USERNAME: Name = Name::new("username", 512);
    /// The password at sign-in.
    pub const PASSWORD: Name = Name::new("password", 4096);
    /// The current password.
    pub const CURRENT: Name = Name::new("current", 4096);
    /// The new password.
    pub const NEW: Name = Name::new("new", PASSWORD_BYTES);
    /// The new password again.
    pub const AGAIN: Name = Name::new("again", PASSWORD_BYTES);
    /// The authorization request as a query string.
    pub const REQUEST: Name = Name::new("request", REQUEST_BYTES);
    /// The code of a device, as a person types it.
    pub const USER_CODE: Name = Name::new("user_code", 64);
    /// Present if the form has boxes for data sources, so that an unticked box means something.
    pub const CHOOSE: Name = Name::new("choose", 16);
    /// A ticked data source, by its number.
    pub const SOURCE: Name = Name::new("source", 20);
    /// A ticked entity set: the number of its data source, a point, and its position in the request.
    pub const ENTITY: Name = Name::new("entity", 32);
    /// The box for all data sources that the user has now.
    pub const ALL: Name = Name::new("all", 8);
    /// The data sources for which that box stands, as a set of up to 1,000 ids of 64 bits.
    pub const COUNTED: Name = Name::new("counted", 16 * 1024);
    /// A part of the name or the description of a data source, to find it.
    pub const FIND: Name = Name::new("find", 200);
    /// How many of the data sources that are found come before the first that is shown.
    pub const FROM: Name = Name::new("from", 8);
    /// The box for data sources that the user gets later.
    pub const OTHERS: Name = Name::new("others", 8);
    /// Whether data may be changed too.
    pub const CHANGES: Name = Name::new("changes", 8);
    /// The data sources about whose changes that box asks, as [`COUNTED`].
    pub const CHANGEABLE: Name = Name::new("changeable", 16 * 1024);
    /// What a user calls a personal access token. Of any length and with any characters, so that it can be refused with a message.
    pub const TOKEN_NAME: Name = Name::opaque("name");
    /// How many days a personal access token is valid.
    pub const DAYS: Name = Name::new("days", 8);
    /// Whether a personal access token is for OData.
    pub const FOR_ODATA: Name = Name::new("odata", 8);
    /// Whether a personal access token is for agents.
    pub const FOR_MCP: Name = Name::new("mcp", 8);
    /// The secret of a one-time link.
    pub const KEY: Name = Name::new("key", 128);
    /// Present on the sign-in page after a new password was chosen.
    pub const CHOSEN: Name = Name::new("chosen", 8);
    /// The user name in a database. Of any length and with any characters, so that it can be refused with a message.
    pub const DATABASE_USER: Name = Name::opaque("user");
    /// The password in a database, likewise.
    pub const DATABASE_PASSWORD: Name = Name::opaque("password");
    /// The code of a second factor, as a person types it.
    pub const CODE: Name = Name::new("code", 64);
    /// The sealed state between two pages of a sign-in, or of setting up a second factor.
    pub const TICKET: Name = Name::new("ticket", 256);
    /// The button of the consent page.
    pub const DECISION: Name = Name::new("decision", 16);
}

/// The fields of a submitted form.
#[derive(Debug)]
pub struct FormBody(Parameters);

impl FormBody {
    /// The value of a field; empty if it is absent, repeated or too long, because such a form is not one of
    /// ours.
    pub fn field(&self, name: Name) -> &str {
        self.0.one(name).ok().flatten().unwrap_or_default()
    }

    /// All fields.
    pub fn parameters(&self) -> &Parameters {
        &self.0
    }
}

/// A form that changes something with a cookie, and therefore must come from one of our pages.
#[derive(Debug)]
pub struct OwnForm(pub FormBody);

impl FromRequest<WebState> for OwnForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let initiator = Initiator::of(request.uri(), request.headers(), state.site());
        if !initiator.may_change_by_cookie() {
            let origin = origin::of(request.extensions(), request.headers(), state.settings());
            state.service::<RefusalService>().note_request(RefusalReason::AnotherOrigin, None, &origin).await;
            return Err(cross_origin_form());
        }
        form(request, state, Parameters::from_page).await.map(Self)
    }
}

impl FromRequest<WebState> for FormBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        form(request, state, Parameters::from_form).await
    }
}

async fn form(
    request: Request,
    state: &WebState,
    parse: fn(&[u8]) -> Result<Parameters, Refusal>,
) -> Result<FormBody, Response> {
    if !is_form(request.headers()) {
        return Err(page::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A form is expected here."));
    }
    let bytes = read(request, state).await?;
    let parameters = parse(&bytes);
    body::wipe(bytes);
    match parameters {
        Ok(parameters) if parameters.are_utf8() => Ok(FormBody(parameters)),
        _ => Err(page::refuse(StatusCode::BAD_REQUEST, "The form cannot be read.")),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    media_type::of_body(headers).is_some_and(|kind| kind.is(media_type::FORM))
}

async fn read(request: Request, state: &WebState) -> Result<Bytes, Response> {
    let most = body::MOST_OF_PAGE_FORM.min(state.settings().max_body_bytes);
    let read = body::read(request.into_body(), most).await;
    read.map_err(|unread| page::refuse(unread.status(), &sentence(&unread.to_string())))
}

//! Logout that an application requests, or learns of: [RP-Initiated
//! Logout](https://openid.net/specs/openid-connect-rpinitiated-1_0.html), [Back-Channel
//! Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html) and [Front-Channel
//! Logout](https://openid.net/specs/openid-connect-frontchannel-1_0.html).

use domain::id::ClientId;
use domain::time::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::application::{Application, ApplicationSettings, is_of_a_redirect_url};
use crate::destination::Destination;
use crate::parameters::{CLIENT_ID, Name, Parameters};
use crate::refusal::Refusal;

/// `id_token_hint`. A text that this server did not sign is ignored.
pub const ID_TOKEN_HINT: Name = Name::opaque("id_token_hint");
/// `post_logout_redirect_uri`.
pub const POST_LOGOUT_REDIRECT_URI: Name = Name::new("post_logout_redirect_uri", 2048);
/// `state`.
pub const STATE: Name = Name::new("state", 8192);

/// How long a logout token is valid, in seconds: "preferably at most two minutes in the future".
const LOGOUT_TOKEN_SECS: i64 = 120;

/// The parameters of a logout request. Others, such as `ui_locales` and `logout_hint`, are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    /// `id_token_hint` as sent.
    pub hint: Option<String>,
    /// `client_id`, if it has the form of one of ours.
    pub client_id: Option<ClientId>,
    /// `post_logout_redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `state`, to be returned.
    pub state: Option<String>,
}

impl LogoutRequest {
    /// The parameters that are read.
    pub const KNOWN: &[Name] = &[ID_TOKEN_HINT, CLIENT_ID, POST_LOGOUT_REDIRECT_URI, STATE];

    /// Reads the parameters, each at most once.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let owned = |name| parameters.one(name).map(|value| value.map(str::to_owned));
        let client_id = parameters.one(CLIENT_ID)?;
        Ok(Self {
            hint: owned(ID_TOKEN_HINT)?,
            client_id: client_id.map(|id| id.parse().map_err(|_| Refusal::UnknownClientId)).transpose()?,
            redirect_uri: owned(POST_LOGOUT_REDIRECT_URI)?,
            state: owned(STATE)?,
        })
    }
}

/// An ID token of this server as a hint. Its expiry does not matter: "The OP SHOULD accept ID Tokens when the RP identified by
/// the ID Token's `aud` claim […] even when the `exp` time has passed" ([RP-Initiated Logout
/// §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// `aud`.
    pub client_id: ClientId,
    /// `sub`.
    pub subject: String,
    /// `sid`.
    pub sid: Option<String>,
}

impl Hint {
    /// Reads the claims of a text whose signature was verified. `None` unless it is an ID token of this issuer: other
    /// texts that this server signs have no `auth_time`, or a type of their own.
    pub fn of(claims: &[u8], issuer: &str) -> Option<Self> {
        let claims: Value = serde_json::from_slice(claims).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_id_token = text("iss") == Some(issuer) && claims.get("auth_time").is_some_and(Value::is_i64);
        let (client_id, subject) = (text("aud")?.parse().ok()?, text("sub")?.to_owned());
        is_id_token.then(|| Self { client_id, subject, sid: text("sid").map(str::to_owned) })
    }
}

/// The session that would end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentSession<'a> {
    /// The `sub` of its user for the application of the hint.
    pub subject: &'a str,
    /// Its `sid`.
    pub sid: Option<&'a str>,
}

/// What happens after a valid logout request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutDecision {
    /// Whether the user is asked first.
    pub asks: bool,
    /// Where the browser goes afterwards, if the request says so.
    pub onward: Option<Onward>,
}

/// Where the browser goes after a logout: an address that the application registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// The address, with `state`.
    pub location: String,
    /// What a page says about it.
    pub destination: Destination,
    /// Whether the browser goes there by itself; otherwise the user presses a link that names it.
    pub goes_by_itself: bool,
}

impl Onward {
    /// The same after the user has agreed on a page that names the destination.
    #[must_use]
    pub fn agreed(self) -> Self {
        Self { goes_by_itself: true, ..self }
    }
}

/// Decides about a logout request. `hint` is what [`Hint::of`] made of the request's hint, and `application` the one that
/// the hint or `client_id` names.
///
/// # Errors
/// `invalid_request`, to be shown to the user: nothing ends, and the browser is not redirected.
pub fn decide(
    request: &LogoutRequest,
    hint: Option<&Hint>,
    application: Option<&Application>,
    current: Option<CurrentSession<'_>>,
) -> Result<LogoutDecision, Refusal> {
    hint_is_ours(request, hint)?;
    client_is_the_audience(request, hint)?;
    client_is_known(request, hint, application)?;
    let location = redirect_uri_is_registered(request, application)?;
    let asks = current.is_some_and(|current| !is_of_session(hint, current));
    let goes_by_itself = redirection_is_legitimate(hint, application, current);
    let onward = location.map(|url| Onward {
        destination: Destination::of(&url),
        location: with_state(url, request.state.as_deref()),
        goes_by_itself,
    });
    Ok(LogoutDecision { asks, onward })
}

/// "An `id_token_hint` carrying an ID Token for the RP is also RECOMMENDED when requesting post-logout redirection; if it is not
/// supplied with `post_logout_redirect_uri`, the OP MUST NOT perform post-logout redirection unless the OP has other means of
/// confirming the legitimacy of the post-logout redirection target" ([RP-Initiated Logout
/// §3](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RedirectionAfterLogout)). The other means is the user, who
/// reads the destination on a page. Anybody gets an ID token for an application that registered itself, so its hint confirms
/// nothing unless it is of the session.
fn redirection_is_legitimate(
    hint: Option<&Hint>,
    application: Option<&Application>,
    current: Option<CurrentSession<'_>>,
) -> bool {
    let is_of_people_here = application.is_some_and(|one| !one.describes_itself());
    hint.is_some() && (is_of_people_here || current.is_some_and(|current| is_of_session(hint, current)))
}

fn hint_is_ours(request: &LogoutRequest, hint: Option<&Hint>) -> Result<(), Refusal> {
    if request.hint.is_some() && hint.is_none() { Err(Refusal::IdTokenHintInvalid) } else { Ok(()) }
}

/// "When both `client_id` and `id_token_hint` are present, the OP MUST verify that the Client Identifier matches the one used
/// when issuing the ID Token."
fn client_is_the_audience(request: &LogoutRequest, hint: Option<&Hint>) -> Result<(), Refusal> {
    let same = |hint: &Hint| request.client_id.as_ref().is_none_or(|id| *id == hint.client_id);
    if hint.is_none_or(same) { Ok(()) } else { Err(Refusal::IdTokenHintOfAnotherClient) }
}

fn client_is_known(
    request: &LogoutRequest,
    hint: Option<&Hint>,
    application: Option<&Application>,
) -> Result<(), Refusal> {
    let named = request.client_id.is_some() || hint.is_some();
    if named && application.is_none() { Err(Refusal::UnknownClientId) } else { Ok(()) }
}

/// "The OP MUST NOT perform post-logout redirection if the `post_logout_redirect_uri` value supplied does not exactly match one
/// of the previously registered values."
fn redirect_uri_is_registered(
    request: &LogoutRequest,
    application: Option<&Application>,
) -> Result<Option<Url>, Refusal> {
    let Some(asked) = &request.redirect_uri else { return Ok(None) };
    let registered = application
        .is_some_and(|one| one.settings.client_metadata.openid.post_logout_redirect_uris.contains(asked));
    let url = Url::parse(asked).ok().filter(|_| registered).ok_or(Refusal::PostLogoutUriUnknown)?;
    Ok(Some(url))
}

fn with_state(mut url: Url, state: Option<&str>) -> String {
    if let Some(state) = state {
        url.query_pairs_mut().append_pair(STATE.spelling, state);
    }
    url.into()
}

/// "the OP SHOULD ask the End-User whether to log out" unless the request proves that it comes from the application of this
/// session.
fn is_of_session(hint: Option<&Hint>, current: CurrentSession<'_>) -> bool {
    hint.is_some_and(|hint| {
        hint.subject == current.subject && hint.sid.as_deref().is_none_or(|sid| current.sid == Some(sid))
    })
}

/// What a logout token says ([Back-Channel Logout
/// §2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).
#[derive(Debug, Clone, Copy)]
pub struct LogoutToken<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub client_id: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `sid`; without it, every session of the user ends.
    pub sid: Option<&'a str>,
    /// `jti`.
    pub id: &'a str,
    /// `iat`.
    pub now: Timestamp,
}

impl LogoutToken<'_> {
    /// The claims as JSON. There is no `nonce`: it "MUST NOT be present", so that nobody takes the token for an ID token.
    pub fn claims(&self) -> Vec<u8> {
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.client_id,
            "iat": self.now.as_secs(),
            "exp": self.now.plus_secs(LOGOUT_TOKEN_SECS).as_secs(),
            "jti": self.id,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        if let Some(sid) = self.sid {
            claims["sid"] = sid.into();
        }
        claims.to_string().into_bytes()
    }
}

/// The address of the front-channel page of an application, with `iss` and `sid` if it needs them: "The OP MAY add these query
/// parameters when rendering the logout URI, and if either is included, both MUST be" ([Front-Channel Logout
/// §2](https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout)). `None` if it has no page, or one that does not
/// have the origin of a redirect URL.
pub fn frontchannel_address(
    settings: &ApplicationSettings,
    issuer: &str,
    sid: Option<&str>,
) -> Option<String> {
    let openid = &settings.client_metadata.openid;
    let page = openid.frontchannel_logout_uri.as_deref();
    let page = page.filter(|page| is_of_a_redirect_url(page, &settings.redirect_urls))?;
    let mut url = Url::parse(page).ok()?;
    if let Some(sid) = sid.filter(|_| openid.frontchannel_logout_session_required) {
        url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", sid);
    }
    Some(url.into())
}

#[cfg(test)]
mod tests;

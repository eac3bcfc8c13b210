//! Logout that an application requests, or learns of: [RP-Initiated
//! Logout](https://openid.net/specs/openid-connect-rpinitiated-1_0.html), [Back-Channel
//! Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html) and [Front-Channel
//! Logout](https://openid.net/specs/openid-connect-frontchannel-1_0.html).

use domain::id::ClientId;
use domain::time::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::application::{Application, ApplicationSettings, is_of_a_redirect_url};
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
    pub location: Option<String>,
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
    Ok(LogoutDecision { asks, location })
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
) -> Result<Option<String>, Refusal> {
    let Some(asked) = &request.redirect_uri else { return Ok(None) };
    let registered = application
        .is_some_and(|one| one.settings.client_metadata.openid.post_logout_redirect_uris.contains(asked));
    let url = Url::parse(asked).ok().filter(|_| registered).ok_or(Refusal::PostLogoutUriUnknown)?;
    Ok(Some(with_state(url, request.state.as_deref())))
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
mod tests {
    use super::*;
    use crate::sample::{self, NOW};

    const BYE: &str = "https://client.example.com/bye?x=1";

    fn application() -> Application {
        sample::application(|settings| {
            settings.client_metadata.openid.post_logout_redirect_uris = vec![BYE.to_owned()];
        })
    }

    fn hint() -> Hint {
        let client_id = sample::CLIENT_ID.parse().unwrap();
        Hint { client_id, subject: "ada".to_owned(), sid: Some("s1".to_owned()) }
    }

    fn request(pairs: &[(&str, &str)]) -> LogoutRequest {
        LogoutRequest::parse(&sample::pairs(pairs)).unwrap()
    }

    const ADA: CurrentSession<'_> = CurrentSession { subject: "ada", sid: Some("s1") };

    #[test]
    fn a_hint_of_this_session_logs_out_without_a_question() {
        let request = request(&[("id_token_hint", "x"), ("post_logout_redirect_uri", BYE), ("state", "a b")]);
        let decided = decide(&request, Some(&hint()), Some(&application()), Some(ADA)).unwrap();
        assert!(!decided.asks);
        assert_eq!(decided.location.as_deref(), Some("https://client.example.com/bye?x=1&state=a+b"));
    }

    #[test]
    fn without_a_hint_of_this_session_the_user_is_asked() {
        let asks = |pairs: &[(&str, &str)], hint: Option<&Hint>, current| {
            decide(&request(pairs), hint, Some(&application()), current).unwrap().asks
        };
        assert!(asks(&[], None, Some(ADA)));
        assert!(asks(&[("client_id", sample::CLIENT_ID)], None, Some(ADA)));
        let other = CurrentSession { subject: "bob", sid: Some("s1") };
        let later = CurrentSession { subject: "ada", sid: Some("s2") };
        for foreign in [other, later] {
            assert!(asks(&[("id_token_hint", "x")], Some(&hint()), Some(foreign)));
        }
        assert!(!asks(&[], None, None), "there is nothing to end");
    }

    #[test]
    fn a_redirect_is_only_to_an_address_that_is_registered_exactly() {
        let at = |url: &str, application: Option<&Application>| {
            let pairs = [("client_id", sample::CLIENT_ID), ("post_logout_redirect_uri", url)];
            decide(&request(&pairs), None, application, None)
        };
        assert!(at(BYE, Some(&application())).is_ok());
        for url in [
            "https://client.example.com/bye",
            "https://client.example.com/bye?x=1&y=2",
            "https://evil.example/",
        ] {
            assert_eq!(at(url, Some(&application())), Err(Refusal::PostLogoutUriUnknown), "{url}");
        }
        assert_eq!(at(BYE, None), Err(Refusal::UnknownClientId));
        let nobody = request(&[("post_logout_redirect_uri", BYE)]);
        assert_eq!(decide(&nobody, None, None, None), Err(Refusal::PostLogoutUriUnknown));
    }

    #[test]
    fn a_hint_must_be_ours_and_of_the_named_client() {
        let foreign = request(&[("id_token_hint", "x")]);
        assert_eq!(decide(&foreign, None, None, Some(ADA)), Err(Refusal::IdTokenHintInvalid));
        let other = "00000000-0000-4000-8000-000000000000";
        let mixed = request(&[("id_token_hint", "x"), ("client_id", other)]);
        let decided = decide(&mixed, Some(&hint()), Some(&application()), Some(ADA));
        assert_eq!(decided, Err(Refusal::IdTokenHintOfAnotherClient));
        let malformed = sample::pairs(&[("client_id", "nobody")]);
        assert_eq!(LogoutRequest::parse(&malformed), Err(Refusal::UnknownClientId));
    }

    #[test]
    fn only_an_id_token_of_this_issuer_is_a_hint() {
        let claims = |change: fn(&mut Value)| {
            let mut claims = json!({
                "iss": "https://gate.example", "aud": sample::CLIENT_ID, "sub": "ada", "sid": "s1", "auth_time": 7, "exp": 8,
            });
            change(&mut claims);
            Hint::of(claims.to_string().as_bytes(), "https://gate.example")
        };
        assert_eq!(claims(|_| {}), Some(hint()), "also if it has expired");
        assert_eq!(claims(|claims| claims["iss"] = "https://other.example".into()), None);
        assert_eq!(claims(|claims| claims["aud"] = json!([sample::CLIENT_ID])), None);
        assert_eq!(claims(|claims| claims["auth_time"] = Value::Null), None);
        assert_eq!(Hint::of(b"[]", "https://gate.example"), None);
    }

    #[test]
    fn a_logout_token_has_the_event_and_no_nonce() {
        let token = LogoutToken {
            issuer: "https://gate.example",
            client_id: "c",
            subject: "ada",
            sid: Some("s1"),
            id: "j",
            now: NOW,
        };
        let claims: Value = serde_json::from_slice(&token.claims()).unwrap();
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!(
            (&claims["sid"], &claims["jti"], &claims["aud"]),
            (&json!("s1"), &json!("j"), &json!("c"))
        );
        assert_eq!(claims["exp"], NOW.as_secs() + 120);
        assert!(claims.get("nonce").is_none());
    }

    #[test]
    fn a_front_channel_address_names_issuer_and_session_if_the_application_needs_them() {
        let address = |page: &str, needs_session| {
            let application = sample::application(|settings| {
                settings.redirect_urls = vec!["https://a.example/cb".to_owned()];
                let openid = &mut settings.client_metadata.openid;
                openid.frontchannel_logout_uri = Some(page.to_owned());
                openid.frontchannel_logout_session_required = needs_session;
            });
            frontchannel_address(&application.settings, "https://gate.example", Some("s1"))
        };
        let page = "https://a.example/out?b=c";
        assert_eq!(address(page, false).as_deref(), Some(page));
        let named = "https://a.example/out?b=c&iss=https%3A%2F%2Fgate.example&sid=s1";
        assert_eq!(address(page, true).as_deref(), Some(named));
        for other in ["https://b.example/out", "http://a.example/out", "https://a.example:8443/out", "out"] {
            assert_eq!(address(other, true), None, "the page of another origin is not loaded: {other}");
        }
        assert_eq!(frontchannel_address(&application().settings, "https://gate.example", None), None);
    }
}

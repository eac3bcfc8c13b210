//! Client metadata of OpenID Connect.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::SubjectType;
use crate::redirect;
use crate::signing::SigningAlgorithm;
use crate::user_authentication::ACR_VALUES;

/// The maximum length of an address in bytes.
const LONGEST_URL: usize = 2048;
/// The maximum number of addresses after a logout.
const MOST_URLS: usize = 50;
/// The maximum of `default_max_age`: a year, in seconds.
const LONGEST_MAX_AGE: i64 = 366 * 24 * 60 * 60;

/// The only mode of token delivery ([CIBA Core
/// §5](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.5)).
pub(crate) const POLL: &str = "poll";

/// Members of [OpenID Connect Dynamic Client Registration
/// §2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata) and of the logout specifications. An
/// absent member has its default. Signature algorithms are names that [`OpenIdMetadata::faults`] has checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenIdMetadata {
    /// Whether all applications see the same `sub`.
    #[serde(skip_serializing_if = "is_public")]
    pub subject_type: SubjectType,
    /// The address whose host is the sector of pairwise identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// The algorithm of ID tokens; RS256 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// The algorithm of signed userinfo responses; they are plain JSON if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// `max_age` of requests that have none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<i64>,
    /// Whether ID tokens must have `auth_time`; they always have it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_auth_time: bool,
    /// The `acr` values that requests ask for by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Where the browser may go after a logout.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// The page of the application that begins a sign-in ([OpenID Connect Core
    /// §4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// The page that is loaded in a frame when a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that page needs `iss` and `sid`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frontchannel_logout_session_required: bool,
    /// The address that receives a logout token when a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens need `sid`. They have it where one session ends.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_session_required: bool,
    /// How it gets the tokens of a backchannel authentication request: `poll`, which is also the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_public(kind: &SubjectType) -> bool {
    *kind == SubjectType::Public
}

/// Why a member is refused; the message follows its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum OpenIdFault {
    #[error("must be EdDSA, ES256, RS256 or PS256")]
    Algorithm,
    #[error("must be an https address without user name, password and fragment")]
    Https,
    #[error(
        "must be an absolute address without a fragment: https, http on this device, or the scheme of an app"
    )]
    PostLogout,
    #[error("has too many entries; at most 50 are allowed")]
    TooMany,
    #[error("must be 0 to 31622400 seconds")]
    MaxAge,
    #[error("must be poll; ping and push are not supported")]
    DeliveryMode,
    #[error("must contain only acr values that this server supports")]
    Acr,
    #[error("must have the scheme, the host and the port of a redirect URL")]
    OtherOrigin,
    #[error(
        "cannot be pairwise, because the redirect URLs have no common host; give a sector_identifier_uri"
    )]
    NoCommonHost,
}

impl OpenIdMetadata {
    /// The algorithm of ID tokens: "The default, if omitted, is RS256."
    pub fn id_token_algorithm(&self) -> SigningAlgorithm {
        let name = self.id_token_signed_response_alg.as_deref();
        name.and_then(SigningAlgorithm::from_name).unwrap_or(SigningAlgorithm::Rs256)
    }

    /// The algorithm of userinfo responses, if they are signed.
    pub fn userinfo_algorithm(&self) -> Option<SigningAlgorithm> {
        self.userinfo_signed_response_alg.as_deref().and_then(SigningAlgorithm::from_name)
    }

    /// Whether the application wants to know when a session ends.
    pub fn wants_logouts(&self) -> bool {
        self.backchannel_logout_uri.is_some() || self.frontchannel_logout_uri.is_some()
    }

    /// The address at which a user begins a sign-in at the application: its `initiate_login_uri` with `iss` ([OpenID Connect
    /// Core §4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)).
    pub fn login_address(&self, issuer: &str) -> Option<String> {
        let mut address = Url::parse(self.initiate_login_uri.as_deref()?).ok()?;
        address.query_pairs_mut().append_pair("iss", issuer);
        Some(address.into())
    }

    /// The members without this one. A name that is none changes nothing.
    #[must_use]
    pub(crate) fn without(&self, name: &str) -> Self {
        let Ok(Value::Object(mut members)) = serde_json::to_value(self) else { return self.clone() };
        members.remove(name);
        serde_json::from_value(members.into()).unwrap_or_default()
    }

    /// All faults, each with the name of its member. `has_common_host` says whether all redirect URLs have the same host.
    pub fn faults(
        &self,
        has_common_host: bool,
        redirect_urls: &[String],
    ) -> Vec<(&'static str, OpenIdFault)> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, name: &'static str, fault: OpenIdFault| {
            if !holds {
                faults.push((name, fault));
            }
        };
        let algorithm = |name: &Option<String>| {
            name.as_deref().is_none_or(|name| SigningAlgorithm::from_name(name).is_some())
        };
        let https = |url: &Option<String>| url.as_deref().is_none_or(is_https);
        let most = self.post_logout_redirect_uris.len() <= MOST_URLS;
        let after = self.post_logout_redirect_uris.iter().all(|url| may_follow_a_logout(url, redirect_urls));
        let acr = self.default_acr_values.iter().all(|acr| ACR_VALUES.contains(&acr.as_str()));
        let age = self.default_max_age.is_none_or(|age| (0..=LONGEST_MAX_AGE).contains(&age));
        let has_sector = self.subject_type == SubjectType::Public
            || has_common_host
            || self.sector_identifier_uri.is_some();
        require(
            algorithm(&self.id_token_signed_response_alg),
            "id_token_signed_response_alg",
            OpenIdFault::Algorithm,
        );
        require(
            algorithm(&self.userinfo_signed_response_alg),
            "userinfo_signed_response_alg",
            OpenIdFault::Algorithm,
        );
        require(has_sector, "subject_type", OpenIdFault::NoCommonHost);
        require(https(&self.sector_identifier_uri), "sector_identifier_uri", OpenIdFault::Https);
        require(age, "default_max_age", OpenIdFault::MaxAge);
        require(acr, "default_acr_values", OpenIdFault::Acr);
        require(most, "post_logout_redirect_uris", OpenIdFault::TooMany);
        require(after, "post_logout_redirect_uris", OpenIdFault::PostLogout);
        require(https(&self.initiate_login_uri), "initiate_login_uri", OpenIdFault::Https);
        require(https(&self.frontchannel_logout_uri), "frontchannel_logout_uri", OpenIdFault::Https);
        // An address that is not https has another fault.
        let own_origin = |url: &Option<String>| {
            url.as_deref().is_none_or(|url| !is_https(url) || is_of_a_redirect_url(url, redirect_urls))
        };
        require(
            own_origin(&self.frontchannel_logout_uri),
            "frontchannel_logout_uri",
            OpenIdFault::OtherOrigin,
        );
        require(https(&self.backchannel_logout_uri), "backchannel_logout_uri", OpenIdFault::Https);
        let polls = self.backchannel_token_delivery_mode.as_deref().is_none_or(|mode| mode == POLL);
        require(polls, "backchannel_token_delivery_mode", OpenIdFault::DeliveryMode);
        faults
    }
}

fn parsed(text: &str) -> Option<Url> {
    let plain = text.len() <= LONGEST_URL && text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(text).ok().filter(|_| plain)?;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    bare.then_some(url)
}

fn is_https(text: &str) -> bool {
    parsed(text).is_some_and(|url| url.scheme() == "https")
}

/// "The domain, port, and scheme of this URL MUST be the same as that of a registered Redirection URI value"
/// ([Front-Channel Logout §2](https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout)): the logout page
/// loads it in a frame, so it must not be the page of another.
pub(crate) fn is_of_a_redirect_url(url: &str, redirect_urls: &[String]) -> bool {
    let Some(origin) = parsed(url).map(|url| url.origin()) else { return false };
    redirect_urls.iter().filter_map(|other| Url::parse(other).ok()).any(|other| other.origin() == origin)
}

/// Like a redirect URL of the profile `oauth21`: a script or a document of its own is not a place to return to.
fn may_follow_a_logout(text: &str, redirect_urls: &[String]) -> bool {
    parsed(text).is_some() && redirect::may_follow(text, redirect_urls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(change: impl FnOnce(&mut OpenIdMetadata)) -> Vec<(&'static str, OpenIdFault)> {
        let mut metadata = OpenIdMetadata::default();
        change(&mut metadata);
        metadata.faults(false, &["https://a.example/cb".to_owned(), "http://a.example/cb".to_owned()])
    }

    #[test]
    fn good_members_are_accepted() {
        assert_eq!(faults(|_| {}), []);
        let found = faults(|metadata| {
            metadata.id_token_signed_response_alg = Some("EdDSA".to_owned());
            metadata.userinfo_signed_response_alg = Some("RS256".to_owned());
            metadata.default_max_age = Some(0);
            metadata.backchannel_token_delivery_mode = Some("poll".to_owned());
            metadata.post_logout_redirect_uris =
                vec!["https://a.example/bye?x=1".to_owned(), "com.example.app:/bye".to_owned()];
            metadata.frontchannel_logout_uri = Some("https://a.example/logout".to_owned());
            metadata.backchannel_logout_uri = Some("https://a.example/logout?by=server".to_owned());
            metadata.subject_type = SubjectType::Pairwise;
            metadata.sector_identifier_uri = Some("https://a.example/sector.json".to_owned());
        });
        assert_eq!(found, []);
    }

    #[test]
    fn each_bad_member_is_named() {
        let names = |change: fn(&mut OpenIdMetadata)| {
            faults(change).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(|m| m.id_token_signed_response_alg = Some("none".to_owned())),
            ["id_token_signed_response_alg"]
        );
        assert_eq!(
            names(|m| m.userinfo_signed_response_alg = Some("HS256".to_owned())),
            ["userinfo_signed_response_alg"]
        );
        assert_eq!(names(|m| m.subject_type = SubjectType::Pairwise), ["subject_type"]);
        assert_eq!(
            names(|m| m.sector_identifier_uri = Some("http://a.example/".to_owned())),
            ["sector_identifier_uri"]
        );
        assert_eq!(names(|m| m.default_max_age = Some(-1)), ["default_max_age"]);
        assert_eq!(names(|m| m.default_acr_values = vec!["gold".to_owned()]), ["default_acr_values"]);
        assert_eq!(
            names(|m| m.frontchannel_logout_uri = Some("http://a.example/".to_owned())),
            ["frontchannel_logout_uri"]
        );
        for other in ["https://b.example/out", "https://a.example:8443/out", "https://sub.a.example/"] {
            let found = faults(|m| m.frontchannel_logout_uri = Some(other.to_owned()));
            assert_eq!(found, [("frontchannel_logout_uri", OpenIdFault::OtherOrigin)], "{other}");
        }
        assert_eq!(
            names(|m| m.initiate_login_uri = Some("http://a.example/".to_owned())),
            ["initiate_login_uri"]
        );
        assert_eq!(
            names(|m| m.backchannel_logout_uri = Some("https://a.example/#out".to_owned())),
            ["backchannel_logout_uri"]
        );
        for mode in ["push", "ping", "Poll", ""] {
            let found = faults(|m| m.backchannel_token_delivery_mode = Some(mode.to_owned()));
            assert_eq!(found, [("backchannel_token_delivery_mode", OpenIdFault::DeliveryMode)], "{mode}");
        }
        for url in ["javascript:alert(1)", "/bye", "https://a.example/#x", "https://u:p@a.example/", "data:x"]
        {
            let found = faults(|m| m.post_logout_redirect_uris = vec![url.to_owned()]);
            assert_eq!(found, [("post_logout_redirect_uris", OpenIdFault::PostLogout)], "{url}");
        }
    }

    #[test]
    fn a_login_begins_with_the_issuer() {
        let at = |uri: &str| {
            let metadata =
                OpenIdMetadata { initiate_login_uri: Some(uri.to_owned()), ..OpenIdMetadata::default() };
            metadata.login_address("https://g.example/a").unwrap()
        };
        assert_eq!(at("https://a.example/in"), "https://a.example/in?iss=https%3A%2F%2Fg.example%2Fa");
        assert_eq!(
            at("https://a.example/in?x=1"),
            "https://a.example/in?x=1&iss=https%3A%2F%2Fg.example%2Fa"
        );
        assert_eq!(OpenIdMetadata::default().login_address("https://g.example"), None);
    }
}

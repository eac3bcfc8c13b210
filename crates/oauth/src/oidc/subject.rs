//! The identifiers of users: `sub` ([OpenID Connect Core
//! §8](https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes)).
//!
//! Each is derived from a random seed that a user gets once: it does not change if the user is renamed, is never given
//! twice, and does not reveal the number of the user.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::attributes::SubjectSeed;
use domain::id::GrantId;
use url::Url;

use super::sector;
use crate::application::{Application, ApplicationSettings, SubjectType};
use crate::scope::{BuiltInScope, ScopeSet};

/// The bytes whose SHA-256 digest gives the identifier of a user for an application; see [`identifier`].
///
/// "Any two Sector Identifiers MUST yield different values; the Subject Identifier value MUST NOT be reversible by any
/// party other than the OpenID Provider; the algorithm MUST be deterministic" ([OpenID Connect Core
/// §8.1](https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg)).
pub fn preimage(seed: &SubjectSeed, application: &Application) -> Vec<u8> {
    if is_pairwise(application) { preimage_for(seed, &sector(application)) } else { public_preimage(seed) }
}

/// The same for all applications with public subjects.
pub fn public_preimage(seed: &SubjectSeed) -> Vec<u8> {
    preimage_for(seed, "")
}

fn preimage_for(seed: &SubjectSeed, sector: &str) -> Vec<u8> {
    format!("sub\n{}\n{sector}", seed.expose()).into_bytes()
}

/// Whether each sector of applications sees another `sub` than this one.
pub fn is_pairwise(application: &Application) -> bool {
    application.settings.client_metadata.openid.subject_type == SubjectType::Pairwise
}

/// Whether a token names its user by [`identifier`]: one that a user gave, with the scope `openid` or to an application with
/// pairwise subjects, which must not learn the number of the user from other tokens ([RFC 9068
/// §6](https://www.rfc-editor.org/rfc/rfc9068#section-6)). Its `sub` is then the same in the ID token, at userinfo, at
/// introspection and in a signed access token. Other tokens name their user by number.
pub fn names_the_user(scopes: &ScopeSet, grant: Option<GrantId>, application: &Application) -> bool {
    grant.is_some() && (is_pairwise(application) || scopes.contains(BuiltInScope::OpenId))
}

/// The identifier from the digest: 22 characters, far below the 255 that the specification allows.
pub fn identifier(digest: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(&digest[..16])
}

/// The sector of an application: the host of its `sector_identifier_uri`, or else of its redirect URLs. An application
/// is a sector of its own if its redirect URLs have no common host, or one that nobody owns (a loopback address, a
/// private-use scheme). So is a client that nobody here registered, since it may name the host of another, unless a document
/// of the sector [proves](sector::tokens_come_by_redirects_to_sites) that it belongs there.
fn sector(application: &Application) -> String {
    let settings = &application.settings;
    let own = || format!("client:{}", application.client_id);
    let named = settings.client_metadata.openid.sector_identifier_uri.as_deref().and_then(host);
    if application.client_id.is_url() {
        return own();
    }
    if settings.client_metadata.self_registered.is_some() {
        let is_proved =
            sector::tokens_come_by_redirects_to_sites(&settings.grant_types, &settings.redirect_urls);
        return named.filter(|_| is_proved).unwrap_or_else(own);
    }
    let is_web = settings.redirect_urls.iter().all(|url| url.starts_with("https://"));
    named.or_else(|| common_host(settings).filter(|_| is_web)).unwrap_or_else(own)
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(|host| format!("host:{host}"))
}

/// "When `sector_identifier_uri` is not provided […], the Sector Identifier used for pairwise identifier calculation is the
/// host component of the registered `redirect_uri`. If there are multiple hostnames in the registered `redirect_uris`, the
/// Client MUST register a `sector_identifier_uri`."
pub fn common_host(settings: &ApplicationSettings) -> Option<String> {
    let mut hosts = settings.redirect_urls.iter().map(|url| host(url));
    let first = hosts.next()??;
    hosts.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{GrantType, SelfRegistered};
    use crate::sample;

    fn of(seed: &str, change: impl FnOnce(&mut ApplicationSettings)) -> Vec<u8> {
        preimage(&SubjectSeed::new(seed.to_owned()), &sample::application(change))
    }

    fn pairwise(urls: &'static [&'static str], sector: Option<&'static str>) -> Vec<u8> {
        of("seed", |settings| {
            settings.client_metadata.openid.subject_type = SubjectType::Pairwise;
            settings.client_metadata.openid.sector_identifier_uri = sector.map(str::to_owned);
            settings.redirect_urls = urls.iter().map(|url| (*url).to_owned()).collect();
        })
    }

    #[test]
    fn a_public_identifier_is_the_same_for_all_applications() {
        assert_eq!(of("seed", |_| {}), of("seed", |settings| settings.redirect_urls.clear()));
        assert_ne!(of("seed", |_| {}), of("other", |_| {}));
    }

    #[test]
    fn a_pairwise_identifier_depends_on_the_sector_only() {
        let one = pairwise(&["https://a.example/cb", "https://a.example/other"], None);
        assert_eq!(one, pairwise(&["https://a.example/cb"], None));
        assert_eq!(one, pairwise(&["https://b.example/cb"], Some("https://a.example/sector.json")));
        assert_ne!(one, pairwise(&["https://b.example/cb"], None));
        assert_ne!(one, of("seed", |_| {}));
    }

    #[test]
    fn a_client_that_registered_itself_shares_its_identifiers_with_nobody() {
        let registered = of("seed", |settings| {
            settings.client_metadata.openid.subject_type = SubjectType::Pairwise;
            settings.client_metadata.self_registered = Some(SelfRegistered::default());
            settings.redirect_urls = vec!["https://a.example/cb".to_owned()];
        });
        assert_ne!(registered, pairwise(&["https://a.example/cb"], None));
    }

    #[test]
    fn a_client_that_registered_itself_belongs_to_the_sector_whose_document_names_its_sites() {
        let document = "https://a.example/sector.json";
        let registered = |grants: &'static [GrantType], url: &'static str| {
            of("seed", |settings| {
                settings.client_metadata.openid.subject_type = SubjectType::Pairwise;
                settings.client_metadata.openid.sector_identifier_uri = Some(document.to_owned());
                settings.client_metadata.self_registered = Some(SelfRegistered::default());
                settings.grant_types = grants.to_vec();
                settings.redirect_urls = vec![url.to_owned()];
            })
        };
        let member = pairwise(&["https://b.example/cb"], Some(document));
        assert_eq!(registered(&[GrantType::AuthorizationCode], "https://c.example/cb"), member);
        // An administrator may have added the grant type since.
        assert_ne!(
            registered(&[GrantType::AuthorizationCode, GrantType::DeviceCode], "https://c.example/cb"),
            member
        );
        assert_ne!(registered(&[GrantType::AuthorizationCode], "com.example.app:/cb"), member);
    }

    #[test]
    fn a_client_by_document_shares_its_identifiers_with_nobody() {
        let mut application = sample::application(|settings| {
            settings.client_metadata.openid.subject_type = SubjectType::Pairwise;
            settings.client_metadata.openid.sector_identifier_uri = Some("https://a.example/s".to_owned());
            settings.redirect_urls = vec!["https://a.example/cb".to_owned()];
        });
        application.client_id = "https://client.example/client.json".parse().unwrap();
        let text = preimage(&SubjectSeed::new("seed".to_owned()), &application);
        assert!(text.ends_with(b"client:https://client.example/client.json"));
    }

    #[test]
    fn an_application_without_a_common_host_is_a_sector_of_its_own() {
        for urls in [
            &["https://a.example/", "https://b.example/"][..],
            &["com.example.app:/cb"],
            &["http://127.0.0.1/cb"],
            &["http://localhost:9/cb"],
            &["a.b://callback"],
            &[],
        ] {
            let text = String::from_utf8(pairwise(urls, None)).unwrap();
            assert!(text.ends_with(&format!("client:{}", sample::CLIENT_ID)), "{text}");
        }
    }

    #[test]
    fn a_token_that_a_user_gave_has_the_identifier_with_openid_or_pairwise_subjects() {
        let (openid, data) = (ScopeSet::from(BuiltInScope::OpenId), ScopeSet::from(BuiltInScope::OData));
        let grant = Some(GrantId::new(7));
        let public = sample::application(|_| {});
        assert!(names_the_user(&openid, grant, &public));
        assert!(!names_the_user(&openid, None, &public), "the subject of client credentials is the client");
        assert!(!names_the_user(&data, grant, &public));
        let pairwise =
            sample::application(|all| all.client_metadata.openid.subject_type = SubjectType::Pairwise);
        assert!(names_the_user(&data, grant, &pairwise));
        assert!(!names_the_user(&data, None, &pairwise));
    }

    #[test]
    fn an_identifier_is_short_and_opaque() {
        let text = identifier([255; 32]);
        assert_eq!(text.len(), 22);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    /// It may name the redirect URL of another in its document, or register it.
    #[test]
    fn an_application_that_describes_itself_is_a_sector_of_its_own() {
        let with = |id: &str| {
            let application = sample::application(|settings| {
                settings.client_metadata.openid.subject_type = SubjectType::Pairwise;
                settings.redirect_urls = vec!["https://a.example/cb".to_owned()];
            });
            let application = Application { client_id: id.parse().unwrap(), ..application };
            preimage(&SubjectSeed::new("seed".to_owned()), &application)
        };
        let registered = with("3f2504e0-4f89-41d3-9a0c-0305e82c3301");
        let described = with("https://stranger.example/client.json");
        assert_ne!(described, registered);
        assert_ne!(described, with("https://other.example/client.json"));
    }
}

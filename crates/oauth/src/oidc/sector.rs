//! The document that proves to which sector an application belongs ([OpenID Connect Core
//! §8.1](https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg)).

use crate::application::{ApplicationSettings, GrantType};

/// The maximum size of a document in bytes.
pub const LARGEST: usize = 64 * 1024;

/// What is wrong with a document; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum SectorFault {
    #[error("does not answer with a JSON array of redirect URLs")]
    NotAnArray,
    #[error("answers with an array that lacks a redirect URL of this application")]
    LacksRedirectUrl,
}

/// "The values registered in `redirect_uris` MUST be included in the elements of the array" ([OpenID Connect Dynamic Client
/// Registration §5](https://openid.net/specs/openid-connect-registration-1_0.html#SectorIdentifierValidation)). Without
/// it, any application could claim the sector of another.
///
/// # Errors
/// [`SectorFault`].
pub fn lists_every_redirect_url(document: &[u8], settings: &ApplicationSettings) -> Result<(), SectorFault> {
    let listed: Vec<String> = serde_json::from_slice(document).map_err(|_| SectorFault::NotAnArray)?;
    let all = settings.redirect_urls.iter().all(|url| listed.contains(url));
    if all { Ok(()) } else { Err(SectorFault::LacksRedirectUrl) }
}

/// Whether every token about a user reaches the client by a redirect to a web site. The document of a sector then proves that
/// a client belongs to it whom nobody here has judged: without the redirect, it could copy the redirect URLs of others, and
/// learn their subjects by another grant type or on a device.
pub(crate) fn tokens_come_by_redirects_to_sites<'a>(
    grant_types: impl IntoIterator<Item = &'a GrantType>,
    redirect_urls: &[String],
) -> bool {
    use GrantType::{AuthorizationCode, RefreshToken};

    let needs_redirect = |grant: &GrantType| matches!(grant, AuthorizationCode | RefreshToken);
    grant_types.into_iter().all(needs_redirect) && redirect_urls.iter().all(|url| url.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_sector_document_lists_every_redirect_url() {
        let application = sample::application(|settings| {
            settings.redirect_urls =
                vec!["https://a.example/cb".to_owned(), "https://b.example/cb".to_owned()];
        });
        let judged = |document: &str| lists_every_redirect_url(document.as_bytes(), &application.settings);
        assert_eq!(
            judged(r#"["https://b.example/cb", "https://c.example/", "https://a.example/cb"]"#),
            Ok(())
        );
        for lacking in
            ["[]", r#"["https://a.example/cb"]"#, r#"["https://a.example/cb", "https://b.example/cb/"]"#]
        {
            assert_eq!(judged(lacking), Err(SectorFault::LacksRedirectUrl), "{lacking}");
        }
        for malformed in
            ["", "{}", r#""https://a.example/cb""#, "[1]", "[null]", r#"["https://a.example/cb""#]
        {
            assert_eq!(judged(malformed), Err(SectorFault::NotAnArray), "{malformed}");
        }
    }

    #[test]
    fn attack_a_sector_joined_with_the_redirect_urls_of_others_on_a_device() {
        let by_redirects = |grants: &[GrantType], urls: &[&str]| {
            let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
            tokens_come_by_redirects_to_sites(grants, &urls)
        };
        let (code, refresh) = (GrantType::AuthorizationCode, GrantType::RefreshToken);
        let site = "https://a.example/cb";
        assert!(by_redirects(&[code], &[site]));
        assert!(by_redirects(&[code, refresh], &[site, "https://b.example/cb"]));
        for other in GrantType::ALL.into_iter().filter(|grant| ![code, refresh].contains(grant)) {
            assert!(!by_redirects(&[code, other], &[site]), "{other:?}");
        }
        for url in ["http://127.0.0.1/cb", "com.example.app:/cb", "cursor://cb"] {
            assert!(!by_redirects(&[code], &[site, url]), "{url}");
        }
    }
}

//! Private-use schemes: reversed names of domains, which belong to somebody, and names without a dot, which an operator has
//! decided to accept.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::{DANGEROUS, RedirectFault};
use crate::client_type::ClientType;

/// The maximum length of a scheme in bytes.
const LONGEST: usize = 64;

/// Schemes that browsers and operating systems handle themselves, or by a program of any kind.
const OF_NO_APPLICATION: [&str; 16] = [
    "http",
    "https",
    "ws",
    "wss",
    "ftp",
    "ftps",
    "mailto",
    "tel",
    "sms",
    "urn",
    "intent",
    "filesystem",
    "chrome",
    "ssh",
    "smb",
    "search-ms",
];

/// The applications in wide use that have such a scheme, when this version was written.
const KNOWN: [&str; 4] = ["cursor", "vscode", "vscode-insiders", "windsurf"];

/// A private-use scheme without a dot, such as `cursor`. Nobody owns it, so it is accepted only if it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateUseScheme(String);

impl PrivateUseScheme {
    /// Those of applications in wide use.
    pub fn known() -> Vec<Self> {
        KNOWN.map(|name| Self(name.to_owned())).to_vec()
    }
}

/// A text that is no private-use scheme without a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no private-use scheme without a dot")]
pub struct NotAPrivateUseScheme;

impl FromStr for PrivateUseScheme {
    type Err = NotAPrivateUseScheme;

    /// "ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )" ([RFC 3986
    /// §3.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.1)), in small letters and without a dot.
    fn from_str(text: &str) -> Result<Self, NotAPrivateUseScheme> {
        let is_of_scheme =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-".contains(&byte);
        let is_scheme = text.len() <= LONGEST
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(is_of_scheme);
        let is_taken = OF_NO_APPLICATION.contains(&text) || DANGEROUS.contains(&text);
        if is_scheme && !is_taken { Ok(Self(text.to_owned())) } else { Err(NotAPrivateUseScheme) }
    }
}

impl fmt::Display for PrivateUseScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The private-use schemes that an application may have beside reversed names of domains.
#[derive(Debug, Clone, Copy)]
pub struct AllowedSchemes<'a> {
    /// Those that the operator has listed.
    pub listed: &'a [PrivateUseScheme],
    /// The type of the application.
    pub client_type: ClientType,
}

impl AllowedSchemes<'_> {
    /// None.
    pub const NONE: Self = Self { listed: &[], client_type: ClientType::Public };

    /// "authorization servers SHOULD enforce the requirement […] that clients use schemes that are reverse domain name based.
    /// At a minimum, any private-use URI scheme that doesn't contain a period character (".") SHOULD be rejected" ([RFC 8252
    /// §8.4](https://www.rfc-editor.org/rfc/rfc8252#section-8.4)). A listed one is that of an application on a device, which
    /// is public and so always uses PKCE: whoever else handles the scheme cannot use the code.
    pub(super) fn include(self, url: &Url) -> Result<(), RedirectFault> {
        let scheme = url.scheme();
        let is_listed = self.listed.iter().any(|listed| listed.0 == scheme);
        match self.client_type {
            _ if !lacks_owner(url) => Ok(()),
            ClientType::Public if is_listed => Ok(()),
            ClientType::Confidential if is_listed => Err(RedirectFault::SchemeOfPublicApplications),
            _ => Err(RedirectFault::SchemeWithoutDot),
        }
    }
}

/// Whether the scheme is for private use and no reversed name of a domain.
pub(super) fn lacks_owner(url: &Url) -> bool {
    !matches!(url.scheme(), "http" | "https") && !url.scheme().contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::redirect::{matching, may_be_registered, may_follow};

    #[test]
    fn a_listed_scheme_is_a_plain_name_that_nothing_else_handles() {
        for good in ["cursor", "vscode-insiders", "web+x", "a1"] {
            assert_eq!(good.parse::<PrivateUseScheme>().unwrap().to_string(), good);
        }
        let others =
            ["", "1a", "Cursor", "a.b", "a:", "a/b", "ä", "-a", "javascript", "data", "file", "blob"];
        for bad in others.into_iter().chain(OF_NO_APPLICATION).chain([&*"x".repeat(65)]) {
            assert_eq!(bad.parse::<PrivateUseScheme>(), Err(NotAPrivateUseScheme), "{bad}");
        }
        let known = PrivateUseScheme::known();
        assert!(known.iter().all(|scheme| scheme.to_string().parse().as_ref() == Ok(scheme)));
    }

    #[test]
    fn a_scheme_without_a_dot_is_registered_by_public_applications_if_it_is_listed() {
        use ClientType::{Confidential, Public};
        use RedirectFault::{SchemeOfPublicApplications, SchemeWithoutDot};
        let listed = [PrivateUseScheme("cursor".to_owned())];
        for (url, client_type, expected) in [
            ("cursor://anysphere.cursor-mcp/oauth/callback", Public, Ok(None)),
            ("cursor:/cb", Public, Ok(None)),
            ("CURSOR://cb", Public, Ok(None)),
            ("cursor://cb", Confidential, Err(SchemeOfPublicApplications)),
            ("cursor2://cb", Public, Err(SchemeWithoutDot)),
            ("curso://cb", Public, Err(SchemeWithoutDot)),
            ("vscode://cb", Confidential, Err(SchemeWithoutDot)),
            ("urn:ietf:wg:oauth:2.0:oob", Public, Err(SchemeWithoutDot)),
            ("com.example.app:/cb", Confidential, Ok(None)),
            ("cursor://cb#x", Public, Err(RedirectFault::Fragment)),
            ("cursor://u@cb", Public, Err(RedirectFault::UserInformation)),
            ("cursor://cb?code=1", Public, Err(RedirectFault::AnswerParameter)),
        ] {
            let schemes = AllowedSchemes { listed: &listed, client_type };
            for profile in Profile::ALL {
                assert_eq!(may_be_registered(url, profile, schemes), expected, "{url} {client_type:?}");
            }
            let none = AllowedSchemes { listed: &[], client_type };
            let is_owned = url.starts_with("com.");
            assert_eq!(may_be_registered(url, Profile::OAuth21, none).is_ok(), is_owned, "{url}");
        }
    }

    #[test]
    fn a_registered_scheme_without_a_dot_matches_exactly() {
        let registered = ["cursor://anysphere.cursor-mcp/oauth/callback".to_owned()];
        let matches = |requested: &str| matching(requested, &registered, Profile::OAuth21).is_some();
        assert!(matches(&registered[0]));
        for other in
            ["cursor://anysphere.cursor-mcp/oauth/callback/", "cursor://other/oauth/callback", "vscode://cb"]
        {
            assert!(!matches(other), "{other}");
        }
    }

    #[test]
    fn after_a_logout_an_application_gets_only_schemes_of_its_redirect_urls() {
        let redirect_urls = ["cursor://cb".to_owned(), "https://a.example/cb".to_owned()];
        for (url, expected) in [
            ("cursor://bye", true),
            ("https://b.example/bye", true),
            ("com.example.app:/bye", true),
            ("vscode://bye", false),
            ("javascript:bye", false),
            ("http://b.example/bye", false),
        ] {
            assert_eq!(may_follow(url, &redirect_urls), expected, "{url}");
        }
    }
}

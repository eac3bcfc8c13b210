//! The pages for people that a client names.

use serde::{Deserialize, Serialize};
use url::Url;

/// The maximum length of an address in bytes.
const LONGEST: usize = 2_048;

/// Addresses of pages, which only a client that registers or describes itself gives ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). The server does not fetch them, but shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientPages {
    /// Its web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// What it does with data about people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
}

impl ClientPages {
    /// The members that are no address of a page: "The value of this field MUST point to a valid web page" ([RFC 7591
    /// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)).
    pub(crate) fn faults(&self) -> impl Iterator<Item = &'static str> {
        // Without `..`, so that a new member is considered here.
        let Self { client_uri, tos_uri, policy_uri } = self;
        let all = [("clientUri", client_uri), ("tosUri", tos_uri), ("policyUri", policy_uri)];
        all.into_iter()
            .filter(|(_, uri)| uri.as_deref().is_some_and(|uri| !is_page(uri)))
            .map(|(field, _)| field)
    }

    /// The same without a member, by its name in RFC 7591.
    pub(crate) fn without(self, name: &str) -> Self {
        match name {
            "client_uri" => Self { client_uri: None, ..self },
            "tos_uri" => Self { tos_uri: None, ..self },
            "policy_uri" => Self { policy_uri: None, ..self },
            _ => self,
        }
    }
}

fn is_page(text: &str) -> bool {
    let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && Url::parse(text).is_ok_and(|url| {
            let has_nobody = url.username().is_empty() && url.password().is_none();
            matches!(url.scheme(), "http" | "https") && has_nobody
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_an_address_that_people_can_open() {
        for page in ["https://a.example/", "http://a.example/terms?x=1#y", "https://a.example"] {
            assert!(is_page(page), "{page}");
        }
        let long = format!("https://a.example/{}", "x".repeat(2_048));
        for other in [
            "",
            "a.example",
            "javascript:alert(1)",
            "data:x",
            "https://u:p@a.example/",
            "https://ä.example/",
            "https://a.example/ b",
            &long,
        ] {
            assert!(!is_page(other), "{other}");
        }
        let pages = ClientPages { tos_uri: Some("x".to_owned()), ..ClientPages::default() };
        assert!(pages.faults().eq(["tosUri"]));
        assert_eq!(pages.without("tos_uri"), ClientPages::default());
    }
}

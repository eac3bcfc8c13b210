//! Profiles: how strictly an application is treated.
//!
//! [`Profile::rules`] is the table. Every rule that depends on the profile reads its entry there, and
//! [`rules_by_profile`] shows the whole table in words, from which `docs/profiles.md` is generated.

/// How strictly an application is treated. A later profile is stricter than an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// As lenient as Hybrid Data Pipeline documents.
    Compatible,
    /// OAuth 2.1: PKCE always, no password grant, rotating refresh tokens.
    OAuth21,
}

impl Profile {
    /// Every profile, the most lenient first.
    pub const ALL: [Self; 2] = [Self::Compatible, Self::OAuth21];

    /// The name in the management API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::OAuth21 => "oauth21",
        }
    }

    /// The profile with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    /// What the profile demands.
    pub const fn rules(self) -> &'static ProfileRules {
        match self {
            Self::Compatible => &COMPATIBLE,
            Self::OAuth21 => &OAUTH21,
        }
    }
}

/// Which clients a demand concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// All.
    All,
    /// Public clients only.
    Public,
}

impl Clients {
    /// Whether the demand concerns a client that is public or not.
    pub const fn include(self, is_public: bool) -> bool {
        match self {
            Self::All => true,
            Self::Public => is_public,
        }
    }
}

/// A value of the table in words.
trait InWords {
    fn in_words(&self) -> String;
}

impl InWords for bool {
    fn in_words(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl InWords for Clients {
    fn in_words(&self) -> String {
        match self {
            Self::All => "all clients",
            Self::Public => "public clients",
        }
        .to_owned()
    }
}

macro_rules! profile_rules {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty, $title:literal, $clause:literal;)+) => {
        /// What a profile demands. Each member has a row in the documentation.
        #[derive(Debug)]
        pub struct ProfileRules {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        /// The table in words: for each rule its name, its source as a link in Markdown, and its value in each profile,
        /// in the order of [`Profile::ALL`].
        pub fn rules_by_profile() -> Vec<RuleByProfile> {
            vec![$(RuleByProfile {
                rule: $title,
                source: $clause,
                values: Profile::ALL.map(|profile| profile.rules().$name.in_words()),
            }),+]
        }
    };
}

/// A row of the table in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleByProfile {
    /// The rule.
    pub rule: &'static str,
    /// Its source, as a link in Markdown.
    pub source: &'static str,
    /// Its value in each profile, in the order of [`Profile::ALL`].
    pub values: [String; Profile::ALL.len()],
}

profile_rules! {
    /// The clients that must use PKCE.
    challenge: Clients, "Must use PKCE (`S256`)",
        "[RFC 9700 §2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)";
    /// Whether confidential applications may use the password grant.
    password_grant: bool, "May use the password grant (confidential clients only)",
        "[RFC 9700 §2.4](https://www.rfc-editor.org/rfc/rfc9700#section-2.4)";
    /// Whether a registered host without a scheme matches every `https` page of the host.
    bare_host_redirects: bool, "May register a bare host as redirect URL",
        "[RFC 9700 §2.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1)";
    /// Whether redirect URLs and origins of pages may use plain `http` on other machines than the user's.
    plain_http: bool, "May register redirect URLs and origins with plain `http` besides loopback",
        "[RFC 9700 §2.6](https://www.rfc-editor.org/rfc/rfc9700#section-2.6)";
    /// The clients whose refresh tokens rotate.
    rotation: Clients, "Refresh tokens rotate",
        "[RFC 9700 §2.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-2.2.2)";
    /// Whether a refresh token may be sent as a code.
    refresh_sent_as_a_code: bool, "May send a refresh token as a code (Power BI)",
        "[RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)";
    /// Whether the proofs of its requests for tokens, and of its pushed requests, need a nonce of the server.
    dpop_nonce: bool, "DPoP proofs for tokens and pushed requests need a nonce of the server",
        "[RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)";
}

const COMPATIBLE: ProfileRules = ProfileRules {
    challenge: Clients::Public,
    password_grant: true,
    bare_host_redirects: true,
    plain_http: true,
    rotation: Clients::Public,
    refresh_sent_as_a_code: true,
    dpop_nonce: false,
};

const OAUTH21: ProfileRules = ProfileRules {
    challenge: Clients::All,
    password_grant: false,
    bare_host_redirects: false,
    plain_http: false,
    rotation: Clients::All,
    refresh_sent_as_a_code: false,
    dpop_nonce: false,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_profile_is_stricter() {
        assert!(Profile::ALL.is_sorted());
        for profiles in Profile::ALL.windows(2) {
            let [lenient, strict] = [profiles[0].rules(), profiles[1].rules()];
            for (before, after) in [
                (lenient.password_grant, strict.password_grant),
                (lenient.bare_host_redirects, strict.bare_host_redirects),
                (lenient.plain_http, strict.plain_http),
                (lenient.refresh_sent_as_a_code, strict.refresh_sent_as_a_code),
            ] {
                assert!(before >= after, "{profiles:?}");
            }
            assert!(lenient.challenge == Clients::Public || strict.challenge == Clients::All, "{profiles:?}");
        }
    }

    #[test]
    fn every_profile_is_found_by_its_name() {
        for profile in Profile::ALL {
            assert_eq!(Profile::find(profile.as_str()), Some(profile));
        }
        assert_eq!(Profile::find("Compatible"), None);
    }

    #[test]
    fn the_table_in_words_has_a_value_for_each_profile() {
        for row in rules_by_profile() {
            assert!(!row.rule.is_empty() && row.source.starts_with('['), "{row:?}");
            assert!(row.values.iter().all(|value| !value.is_empty()), "{row:?}");
        }
    }
}

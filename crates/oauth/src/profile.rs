//! Profiles: how strictly an application is treated.
//!
//! [`Profile::rules`] is the table. Every rule that depends on the profile reads its entry there, and
//! [`rules_by_profile`] shows the whole table in words, from which `docs/profiles.md` is generated.

use crate::signing::{JwsAlgorithm, SigningAlgorithm};

/// How strictly an application is treated. A later profile is stricter than an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// As lenient as Hybrid Data Pipeline documents.
    Compatible,
    /// OAuth 2.1: PKCE always, no password grant, rotating refresh tokens.
    OAuth21,
    /// FAPI 2.0 Security Profile: confidential clients that prove a key, pushed requests, bound tokens.
    Fapi2,
}

impl Profile {
    /// Every profile, the most lenient first.
    pub const ALL: [Self; 3] = [Self::Compatible, Self::OAuth21, Self::Fapi2];

    /// The name in the management API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::OAuth21 => "oauth21",
            Self::Fapi2 => "fapi2",
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
            Self::Fapi2 => &FAPI2,
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
    /// None.
    None,
}

impl Clients {
    /// Whether the demand concerns a client that is public or not.
    pub const fn include(self, is_public: bool) -> bool {
        match self {
            Self::All => true,
            Self::Public => is_public,
            Self::None => false,
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
            Self::None => "no client",
        }
        .to_owned()
    }
}

/// The signature algorithms of the JSON Web Tokens that a client sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithms {
    /// All that the server has.
    All,
    /// "shall use the PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms" ([FAPI 2.0
    /// §5.4.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.4.1)).
    Fapi2,
}

impl Algorithms {
    /// The algorithms of the server's signatures.
    pub const fn of_server(self) -> &'static [SigningAlgorithm] {
        match self {
            Self::All => &SigningAlgorithm::ALL,
            Self::Fapi2 => &[SigningAlgorithm::EdDsa, SigningAlgorithm::Es256, SigningAlgorithm::Ps256],
        }
    }

    /// The algorithms of the client's signatures.
    pub const fn of_clients(self) -> &'static [JwsAlgorithm] {
        match self {
            Self::All => &JwsAlgorithm::ALL,
            Self::Fapi2 => &[JwsAlgorithm::EdDsa, JwsAlgorithm::Es256, JwsAlgorithm::Ps256],
        }
    }

    /// Whether a signature may have this algorithm.
    pub fn contain(self, algorithm: impl Into<JwsAlgorithm>) -> bool {
        self.of_clients().contains(&algorithm.into())
    }

    /// Those that the client's signature may have if it has registered one: only that, if it is allowed.
    pub fn only(self, registered: Option<&JwsAlgorithm>) -> &[JwsAlgorithm] {
        match registered {
            None => self.of_clients(),
            Some(one) if self.contain(*one) => std::slice::from_ref(one),
            Some(_) => &[],
        }
    }

    /// The algorithm itself, or the one that replaces it: PS256 uses keys of the same kind as RS256.
    pub fn or_replacement(self, algorithm: SigningAlgorithm) -> SigningAlgorithm {
        if self.contain(algorithm) { algorithm } else { SigningAlgorithm::Ps256 }
    }
}

impl InWords for Algorithms {
    fn in_words(&self) -> String {
        let own = self.of_server().iter().copied().map(SigningAlgorithm::as_str).collect::<Vec<_>>();
        let others = self.of_clients().iter().copied().map(JwsAlgorithm::as_str);
        let others = others.filter(|name| !own.contains(name)).collect::<Vec<_>>();
        let own = own.join(", ");
        if others.is_empty() { own } else { format!("{own}; of clients also {}", others.join(", ")) }
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
    /// Whether only confidential clients are served.
    confidential_only: bool, "Must be a confidential client",
        "[FAPI 2.0 §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)";
    /// Whether clients must authenticate with a private key: by an assertion or in TLS.
    key_authentication: bool, "Must authenticate with a private key (`private_key_jwt` or TLS), never with a secret",
        "[FAPI 2.0 §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)";
    /// Whether clients may authenticate with the attestation of an attester that is trusted here.
    attestations: bool, "May authenticate with an attestation for each of its instances",
        "[FAPI 2.0 §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)";
    /// Whether a secret is accepted only in the way that was registered: in the header or in the body.
    registered_method: bool,
        "Must authenticate with the method that it registered; a client that registered none sends its secret in the header or in the body",
        "[RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)";
    /// Whether the audience of a client assertion must be the issuer alone, as a string.
    issuer_audience: bool, "Must name the issuer alone, as a string, in `aud` of client assertions",
        "[FAPI 2.0 §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)";
    /// Whether access tokens must be bound to a key or a certificate.
    bound_tokens: bool, "Gets access tokens only with proof of a key (DPoP or TLS)",
        "[FAPI 2.0 §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)";
    /// Whether authorization requests must be pushed.
    pushed_requests: bool, "Must push authorization requests",
        "[FAPI 2.0 §5.3.2.2](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.2)";
    /// Whether authorization requests must name the redirect URL.
    redirect_uri: bool, "Must send `redirect_uri` in authorization requests",
        "[FAPI 2.0 §5.3.2.2](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.2)";
    /// The algorithms of signatures.
    algorithms: Algorithms, "Algorithms of signatures",
        "[FAPI 2.0 §5.4.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.4.1)";
    /// Whether the proofs of its requests for tokens, and of its pushed requests, need a nonce of the server.
    dpop_nonce: bool, "DPoP proofs for tokens and pushed requests need a nonce of the server",
        "[RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)";
    /// Whether users may read data with a name and a password in `Authorization: Basic`, if this is the minimum profile.
    passwords_for_data: bool, "As the minimum of the server: data is read also with user name and password (HTTP Basic)",
        "[FAPI 2.0 §5.3.3](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.3)";
}

const COMPATIBLE: ProfileRules = ProfileRules {
    challenge: Clients::Public,
    password_grant: true,
    bare_host_redirects: true,
    plain_http: true,
    rotation: Clients::Public,
    refresh_sent_as_a_code: true,
    confidential_only: false,
    key_authentication: false,
    attestations: true,
    registered_method: false,
    issuer_audience: false,
    bound_tokens: false,
    pushed_requests: false,
    redirect_uri: false,
    algorithms: Algorithms::All,
    dpop_nonce: false,
    passwords_for_data: true,
};

const OAUTH21: ProfileRules = ProfileRules {
    challenge: Clients::All,
    password_grant: false,
    bare_host_redirects: false,
    plain_http: false,
    rotation: Clients::All,
    refresh_sent_as_a_code: false,
    confidential_only: false,
    key_authentication: false,
    attestations: true,
    registered_method: true,
    issuer_audience: false,
    bound_tokens: false,
    pushed_requests: false,
    redirect_uri: false,
    algorithms: Algorithms::All,
    dpop_nonce: false,
    passwords_for_data: true,
};

const FAPI2: ProfileRules = ProfileRules {
    challenge: Clients::All,
    password_grant: false,
    bare_host_redirects: false,
    plain_http: false,
    rotation: Clients::None,
    refresh_sent_as_a_code: false,
    confidential_only: true,
    key_authentication: true,
    attestations: false,
    registered_method: true,
    issuer_audience: true,
    bound_tokens: true,
    pushed_requests: true,
    redirect_uri: true,
    algorithms: Algorithms::Fapi2,
    dpop_nonce: false,
    passwords_for_data: false,
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
                (lenient.attestations, strict.attestations),
                (lenient.passwords_for_data, strict.passwords_for_data),
            ] {
                assert!(before >= after, "{profiles:?}");
            }
            assert!(lenient.challenge == Clients::Public || strict.challenge == Clients::All, "{profiles:?}");
            for (before, after) in [
                (lenient.confidential_only, strict.confidential_only),
                (lenient.key_authentication, strict.key_authentication),
                (lenient.registered_method, strict.registered_method),
                (lenient.issuer_audience, strict.issuer_audience),
                (lenient.bound_tokens, strict.bound_tokens),
                (lenient.pushed_requests, strict.pushed_requests),
                (lenient.redirect_uri, strict.redirect_uri),
            ] {
                assert!(before <= after, "{profiles:?}");
            }
            assert!(strict.algorithms.of_server().iter().all(|one| lenient.algorithms.contain(*one)));
            assert!(strict.algorithms.of_clients().iter().all(|one| lenient.algorithms.contain(*one)));
        }
    }

    #[test]
    fn an_algorithm_that_is_not_allowed_is_replaced_and_never_accepted() {
        use SigningAlgorithm::{EdDsa, Ps256, Rs256};
        let (all, strict) = (Algorithms::All, Algorithms::Fapi2);
        assert_eq!((all.or_replacement(Rs256), strict.or_replacement(Rs256)), (Rs256, Ps256));
        assert_eq!(strict.or_replacement(EdDsa), EdDsa);
        for one in JwsAlgorithm::ALL {
            assert_eq!(all.only(Some(&one)), [one]);
            let is_allowed = strict.of_clients().contains(&one);
            assert_eq!(strict.only(Some(&one)), if is_allowed { vec![one] } else { vec![] });
        }
        assert_eq!((all.only(None).len(), strict.only(None).len()), (10, 3));
    }

    #[test]
    fn a_profile_that_binds_tokens_to_keys_rotates_nothing() {
        let rules = Profile::Fapi2.rules();
        assert!(rules.bound_tokens && rules.confidential_only);
        assert!(!rules.rotation.include(false) && !rules.rotation.include(true));
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

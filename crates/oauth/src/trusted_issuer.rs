//! Trusted issuers: other servers whose assertions and access tokens this server accepts, and for what.
//!
//! A token of an issuer never widens anything: it names a user who exists here, or an application that is registered here, and
//! the rights of that user and that application apply.

use std::collections::BTreeMap;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::jwt::Object;
use crate::signing::JwsAlgorithm;

mod access_token;
mod assertion;
mod attestation;
mod claims;
mod faults;
mod subject;
mod workload;

pub(crate) use access_token::resource_is_allowed;
pub use access_token::{AcceptedToken, TokenFacts, accept_access_token, token_types};
pub use assertion::{AcceptedAssertion, AssertionFacts, GrantKind, accept_assertion};
pub use attestation::{ATTESTATION_TYPES, AttestationFacts, accept_attestation};
pub use faults::IssuerFault;
pub use subject::{Subject, subject_of};
pub use workload::{AcceptedWorkload, SubjectPattern, WorkloadFacts, accept_workload};

/// The maximum number of trusted issuers.
pub const MOST_TRUSTED_ISSUERS: usize = 100;

/// The value that stands for every client.
pub const EVERY_CLIENT: &str = "*";

/// A stored issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// Assigned in order, never reused.
    pub id: TrustedIssuerId,
    /// `iss`, exactly as its tokens write it; unique.
    pub issuer: String,
    /// What is accepted of it.
    pub settings: IssuerSettings,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The desired content of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrustedIssuer {
    /// `iss`, an `https` URL of at most 1024 characters.
    pub issuer: String,
    /// What is accepted of it.
    pub settings: IssuerSettings,
}

/// What is accepted of an issuer, stored as one JSON object. A member that this version does not know makes the whole
/// unreadable, because it may restrict the issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct IssuerSettings {
    /// Its public keys as a JSON Web Key Set. Without keys and without an address, they are found by discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// The `https` address of its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The signature algorithms that it may use; every supported one if there are none.
    pub algorithms: Vec<JwsAlgorithm>,
    /// What its tokens are accepted for.
    pub purposes: Vec<Purpose>,
    /// The audience of its assertions, except for identity assertions, whose audience is always the issuer.
    pub audience: Audience,
    /// The claim that names the user; `sub` by default.
    pub subject_claim: String,
    /// What that claim contains.
    pub subject_is: SubjectKind,
    /// The user names by the value of the claim, for [`SubjectKind::Listed`].
    pub subjects: BTreeMap<String, String>,
    /// The clients for which its tokens about users and its attestations are accepted; [`EVERY_CLIENT`] stands for all.
    pub clients: Vec<String>,
    /// The resources for which its tokens are accepted, as absolute URLs; every resource of this server if there are none.
    pub resources: Vec<String>,
    /// The names of the scopes that its tokens can give at most; no limit if there are none.
    pub scopes: Vec<String>,
    /// The names of scopes here by the names that the issuer uses. Other names are taken as they are.
    pub scope_names: BTreeMap<String, String>,
    /// The name by which a request for data says that its access token is of this issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whether its access tokens may lack the `typ` `at+jwt` of [RFC 9068
    /// §2.1](https://www.rfc-editor.org/rfc/rfc9068#section-2.1).
    pub untyped_access_tokens: bool,
    /// The workloads that its assertions authenticate, in the order in which they are compared.
    pub workloads: Vec<Workload>,
    /// Whether a workload may present the same assertion again until it expires.
    pub reusable_assertions: bool,
    /// Whether a workload may present its assertion as a grant, without naming a client.
    pub workload_grant: bool,
}

impl Default for IssuerSettings {
    fn default() -> Self {
        Self {
            jwks: None,
            jwks_uri: None,
            algorithms: Vec::new(),
            purposes: Vec::new(),
            audience: Audience::default(),
            subject_claim: "sub".to_owned(),
            subject_is: SubjectKind::default(),
            subjects: BTreeMap::new(),
            clients: Vec::new(),
            resources: Vec::new(),
            scopes: Vec::new(),
            scope_names: BTreeMap::new(),
            service: None,
            untyped_access_tokens: false,
            workloads: Vec::new(),
            reusable_assertions: false,
            workload_grant: false,
        }
    }
}

/// Stored settings that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the settings of a trusted issuer are malformed or of a later version")]
pub struct UnreadableSettings;

impl IssuerSettings {
    /// Whether its tokens are accepted for this.
    pub fn has(&self, purpose: Purpose) -> bool {
        self.purposes.contains(&purpose)
    }

    /// The algorithms that it may use.
    pub fn accepted_algorithms(&self) -> &[JwsAlgorithm] {
        if self.algorithms.is_empty() { &JwsAlgorithm::ALL } else { &self.algorithms }
    }

    /// Whether tokens for the client are accepted.
    pub fn accepts_client(&self, client: &str) -> bool {
        self.clients.iter().any(|known| known == EVERY_CLIENT || known == client)
    }

    /// The JSON object.
    ///
    /// # Panics
    /// Never: strings, flags and lists of them can always be serialized.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings can always be serialized")
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: &str) -> Result<Self, UnreadableSettings> {
        // `serde` would read an array as the values of the members.
        if !json.starts_with('{') {
            return Err(UnreadableSettings);
        }
        serde_json::from_str(json).map_err(|_| UnreadableSettings)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value with that name.
            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

words! {
    /// What the tokens of an issuer are accepted for.
    Purpose {
        /// Identity assertions about users, for the grant `jwt-bearer` (ID-JAG).
        IdentityAssertion = "identity_assertion",
        /// Other assertions about users, for the grant `jwt-bearer` ([RFC 7523
        /// §2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)).
        JwtBearer = "jwt_bearer",
        /// Assertions that authenticate an application instead of a secret.
        Workload = "workload",
        /// Access tokens of users, for reading data.
        AccessToken = "access_token",
        /// Software statements, with which clients register themselves ([RFC 7591
        /// §2.3](https://www.rfc-editor.org/rfc/rfc7591#section-2.3)).
        SoftwareStatement = "software_statement",
        /// Attestations, with which the instances of an application authenticate
        /// ([draft-ietf-oauth-attestation-based-client-auth-11](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11)).
        ClientAttestation = "client_attestation",
    }
}

words! {
    /// The audience of assertions.
    #[derive(Default)]
    Audience {
        /// The issuer of this server.
        #[default]
        Issuer = "issuer",
        /// The URL of its token endpoint.
        TokenEndpoint = "token_endpoint",
    }
}

words! {
    /// What the claim about the user contains.
    #[derive(Default)]
    SubjectKind {
        /// The name of a user here.
        UserName = "user_name",
        /// A mail address, which the issuer has verified, and for which an administrator vouches here.
        Email = "email",
        /// A value in [`IssuerSettings::subjects`].
        #[default]
        Listed = "listed",
    }
}

/// A workload and the application that it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The `sub` of its assertions: exact, or with `*` for characters other than a colon.
    pub subject: String,
    /// The client id of the application.
    pub client: String,
}

#[cfg(test)]
mod tests;

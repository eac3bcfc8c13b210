//! The registered application: the `client` of the specifications.

use crate::refusal::Refusal;
use crate::scope::{self, ScopeRegistry, ScopeSet};
use crate::signing::{JwsAlgorithm, SigningAlgorithm};
use domain::handover::{self, Handover};
use domain::id::{ApplicationId, ClientId, Epoch, SecretId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;

mod authentication_metadata;
mod client_metadata;
mod client_pages;
mod grant_type;
mod openid_metadata;
mod request_metadata;
mod self_registered;
mod subject_type;
mod token_exchange;

pub use crate::client_type::ClientType;
pub use crate::profile::Profile;
pub use authentication_metadata::{AcceptedCertificates, AuthenticationMetadata, AuthenticationMethod};
pub use client_metadata::{ClientMetadata, KnownToDeputies, UnreadableMetadata};
pub use client_pages::ClientPages;
pub use grant_type::GrantType;
pub(crate) use grant_type::{GivenBy, Inherited, grant_types};
pub(crate) use openid_metadata::POLL;
pub(crate) use openid_metadata::is_of_a_redirect_url;
pub use openid_metadata::{OpenIdFault, OpenIdMetadata};
pub use request_metadata::RequestMetadata;
pub use self_registered::{ApplicationType, SelfRegistered};
pub use subject_type::SubjectType;
pub use token_exchange::TokenExchangePolicy;

/// The format of an application's access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenFormat {
    /// Sealed; only this server can read it.
    Opaque,
    /// Signed, readable by other resource servers (RFC 9068).
    Jwt,
}

impl TokenFormat {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Jwt => "jwt",
        }
    }
}

/// A registered application as stored in the system database.
#[derive(Debug, Clone)]
pub struct Application {
    /// The number in paths of the management API.
    pub id: ApplicationId,
    /// Its name in the protocol.
    pub client_id: ClientId,
    /// The user who registered it, for whom it was registered, or to whom it was handed over.
    pub owner: UserId,
    /// The user name of the owner.
    pub owner_name: String,
    /// The handover, if somebody other than the owner registered it.
    pub handed_over: Option<Handover>,
    /// Advances when all access of the application is revoked.
    pub epoch: Epoch,
    /// The settings that the owner chooses.
    pub settings: ApplicationSettings,
    /// Live and recently expired secrets, oldest first; at most two are live. A public application has none.
    pub secrets: Vec<StoredSecret>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its settings or secrets last changed.
    pub updated_at: Timestamp,
    /// When it last obtained a token; written with a delay.
    pub last_used_at: Option<Timestamp>,
}

impl Application {
    /// The id of an application that has no row. A document describes it; no row has this id.
    pub const NOT_STORED: ApplicationId = ApplicationId::new(0);

    /// Whether it has a row.
    pub fn is_stored(&self) -> bool {
        self.id != Self::NOT_STORED
    }

    /// Whether it describes itself, by a document at its URL or by its own registration. Anybody may have such an
    /// application and change it without approval here.
    pub fn describes_itself(&self) -> bool {
        self.client_id.is_url() || self.settings.client_metadata.self_registered.is_some()
    }

    /// Whether a stranger can send requests as this application or as another one like it: it does not authenticate, or
    /// it describes itself.
    pub fn is_open_to_strangers(&self) -> bool {
        self.settings.client_type == ClientType::Public || self.describes_itself()
    }

    /// Whether its owner registered it here. Nobody has looked at one that describes itself, and whoever takes over an
    /// application may never have seen it.
    pub fn was_registered_by_its_owner(&self) -> bool {
        !self.describes_itself() && self.handed_over.is_none()
    }

    /// The user name of the creator.
    pub fn created_by(&self) -> &str {
        handover::created_by(self.handed_over.as_ref(), &self.owner_name)
    }

    /// The secrets that are still valid, oldest first.
    pub fn live_secrets(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = &StoredSecret> {
        self.secrets.iter().filter(move |secret| secret.is_live(now))
    }
}

/// The settings that registration and update set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationSettings {
    /// 1 to 128 characters, trimmed.
    pub name: String,
    /// At most 256 characters; empty if there is none.
    pub description: String,
    /// As registered, in order; validated by the registration rules.
    pub redirect_urls: Vec<String>,
    /// How strictly it is treated.
    pub profile: Profile,
    /// Whether it has a secret.
    pub client_type: ClientType,
    /// Sorted, without repetition.
    pub grant_types: Vec<GrantType>,
    /// The scopes that it may request.
    pub scopes: ScopeSet,
    /// The format of its access tokens.
    pub token_format: TokenFormat,
    /// In seconds; the server's limit applies if it is smaller or if this is `None`.
    pub access_token_lifetime_secs: Option<u32>,
    /// Contacts for the people behind it, in the given order.
    pub contacts: Vec<String>,
    /// The `https` address of a logo.
    pub logo_url: Option<String>,
    /// The origins of its web pages besides those of its redirect URLs, in their shortest form.
    pub cors_origins: Vec<String>,
    /// Members of the registration that Hybrid Data Pipeline does not have.
    pub client_metadata: ClientMetadata,
}

impl ApplicationSettings {
    /// Whether the settings are equal, apart from the time at which the document was fetched.
    pub fn same_apart_from_fetch(&self, other: &Self) -> bool {
        if self.client_metadata.described_at == other.client_metadata.described_at {
            return self == other;
        }
        let mut other = other.clone();
        other.client_metadata.described_at = self.client_metadata.described_at;
        *self == other
    }

    /// Whether every code needs a challenge. Public applications must use PKCE ([RFC 9700
    /// §2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)), and the profile `oauth21` requires it
    /// of all.
    pub fn requires_challenge(&self) -> bool {
        self.profile.rules().challenge.include(self.client_type == ClientType::Public)
    }

    /// The scopes that a request asks for with this text, out of its own.
    pub(crate) fn requested_scopes(
        &self,
        text: Option<&str>,
        registry: &ScopeRegistry,
    ) -> Result<ScopeSet, Refusal> {
        let gets_refresh_tokens = self.grant_types.contains(&GrantType::RefreshToken);
        scope::requested_of(text, &self.scopes, gets_refresh_tokens, registry)
    }

    /// The algorithm of a signature for it: the registered or default one, unless its profile forbids that one.
    pub fn allowed_algorithm(&self, algorithm: SigningAlgorithm) -> SigningAlgorithm {
        self.profile.rules().algorithms.or_replacement(algorithm)
    }

    /// The algorithms with which it may sign request objects.
    pub fn object_algorithms(&self) -> &[JwsAlgorithm] {
        let registered = self.client_metadata.requests.request_object_signing_alg.as_ref();
        self.profile.rules().algorithms.only(registered)
    }

    /// Whether it authenticates with a secret.
    pub fn needs_secret(&self) -> bool {
        self.client_type == ClientType::Confidential && !self.client_metadata.authentication.has_no_secret()
    }

    /// Whether it may use a grant type at all, whatever it is registered for.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        grant_type.barriers(self.profile, self.client_type).next().is_none()
    }
}

/// A stored secret of an application.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    /// The number in paths of the management API.
    pub id: SecretId,
    /// The digest with which a presented secret is compared.
    pub digest: Digest,
    /// The last four characters of the secret.
    pub hint: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Set when a newer secret supersedes it.
    pub expires_at: Option<Timestamp>,
    /// Written with a delay.
    pub last_used_at: Option<Timestamp>,
    /// The secret, sealed under the master key; present only if it verifies assertions, or if the configuration allows
    /// secrets to be revealed.
    pub sealed: Option<Vec<u8>>,
}

impl StoredSecret {
    /// Whether it may still be used at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| !end.is_past(now))
    }
}

//! The public keys of clients: registered as a set, or fetched from the address that was registered.
//!
//! Anybody may name a client and a key that it does not have, so a set is fetched again at a bounded rate: after a
//! success at most once in [`RECENT_SECS`], and in any case at most [`FETCHES_PER_MINUTE`] times for one client.

use std::sync::Arc;

use domain::id::ClientId;
use domain::time::Timestamp;
use fetch::{CacheRules, DocumentError, Documents, FetchError, Fetcher};
use oauth::application::Application;
use oauth::jwt::{Claims, JwtFault};
use oauth::refusal::Refusal;
use vault::jose::{self, AcceptedJwt, KeySet, KeySetFault};

use crate::node::outbound::FetchPurpose;
use crate::node::rates::Buckets;

/// A set that was fetched in the last seconds is not fetched again for the sake of an unknown key.
const RECENT_SECS: u32 = 60;
/// The fetches for one client in a minute, failed ones included.
const FETCHES_PER_MINUTE: u32 = 6;

/// The key sets that this node has fetched.
pub(crate) struct ClientKeys {
    fetcher: Fetcher,
    sets: Documents<KeySet, KeySetFault>,
    fetches: Buckets<ClientId>,
}

impl ClientKeys {
    const RULES: CacheRules = CacheRules {
        largest_body: 32 * 1024,
        most_documents: 1_000,
        floor_secs: 60,
        ceiling_secs: 3_600,
        default_secs: 300,
        stale_secs: 3_600,
    };

    pub(crate) fn new(fetcher: &Fetcher) -> Self {
        Self {
            sets: Documents::new(Self::RULES, |_, body| KeySet::parse(body)),
            fetcher: FetchPurpose::ClientKeys.share(fetcher),
            fetches: Buckets::new(FETCHES_PER_MINUTE),
        }
    }

    /// The public keys of a client.
    ///
    /// # Errors
    /// [`NoClientKeys`].
    pub(crate) async fn of(
        &self,
        application: &Application,
        age: KeyAge,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, NoClientKeys> {
        let registered = &application.settings.client_metadata.authentication;
        if let Some(set) = &registered.jwks {
            return KeySet::of(set).map(Arc::new).map_err(|_| NoClientKeys::NotRegistered);
        }
        let url = registered.jwks_uri.as_deref().ok_or(NoClientKeys::NotRegistered)?;
        let ClientKeys { fetcher, sets, fetches } = self;
        let most_age_secs = (age == KeyAge::Recent).then_some(RECENT_SECS);
        // A caller that waits for a running request uses no budget. When the budget is used up, the cached set serves
        // for a while, so that strangers who name this client cannot block it.
        let within_budget = async { fetches.take(application.client_id.clone(), now).ok().map(|()| fetcher) };
        let fetched = sets.get(url, most_age_secs, now, within_budget).await;
        fetched.map(|fetched| fetched.document).map_err(|error| {
            tracing::info!(application = %application.id, %error, "the keys of an application cannot be fetched");
            NoClientKeys::of(&error)
        })
    }

    /// The claims of a text that a key of the client has signed. If none of the known keys has, the keys are fetched
    /// once more, because the client may have replaced them.
    ///
    /// # Errors
    /// [`SignatureFailure`]; the claims themselves are not checked.
    pub(crate) async fn claims_signed_by(
        &self,
        application: &Application,
        text: &str,
        accepted: AcceptedJwt<'_>,
        now: Timestamp,
    ) -> Result<Claims, SignatureFailure> {
        let known = self.of(application, KeyAge::Fresh, now).await;
        let known = known.map_err(SignatureFailure::NoKeys)?;
        let fault = match jose::verify(text, &known, accepted) {
            Ok(claims) => return Ok(claims),
            Err(fault) => fault,
        };
        let may_be_of_a_new_key = matches!(fault, JwtFault::NoKey | JwtFault::BadSignature);
        if !may_be_of_a_new_key || !application.settings.client_metadata.authentication.keys_may_change() {
            return Err(SignatureFailure::Invalid(fault));
        }
        let newer = match self.of(application, KeyAge::Recent, now).await {
            Ok(newer) => newer,
            Err(none @ (NoClientKeys::Unreachable | NoClientKeys::Busy)) => {
                return Err(SignatureFailure::NoKeys(none));
            }
            // Without newer keys the signature is as wrong as before.
            Err(NoClientKeys::NotRegistered | NoClientKeys::Unusable) => {
                return Err(SignatureFailure::Invalid(fault));
            }
        };
        if Arc::ptr_eq(&known, &newer) {
            return Err(SignatureFailure::Invalid(fault));
        }
        jose::verify(text, &newer, accepted).map_err(SignatureFailure::Invalid)
    }

    /// Drops entries that no longer limit anybody.
    pub(crate) fn purge(&self, now: Timestamp) {
        self.fetches.purge(now);
    }
}

/// How new the keys of a client must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyAge {
    /// As new as the headers of their response demand.
    Fresh,
    /// From the last minute, because a signature needs a key that the client may have added.
    Recent,
}

/// Why there are no keys of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoClientKeys {
    /// None are registered.
    NotRegistered,
    /// Their host is out of order, or was asked too often for this client; a later request may succeed.
    Unreachable,
    /// This server fetches too many others.
    Busy,
    /// What is at the address is not a key set.
    Unusable,
}

impl NoClientKeys {
    /// The refusal of a client that authenticates with its keys.
    pub(crate) const fn refusal(self) -> Refusal {
        match self {
            Self::NotRegistered => Refusal::AssertionNotRegistered,
            Self::Unreachable => Refusal::ClientKeysUnreachable,
            Self::Busy => Refusal::ClientKeysLater,
            Self::Unusable => Refusal::ClientKeysUnusable,
        }
    }

    fn of(error: &DocumentError<KeySetFault>) -> Self {
        match error {
            DocumentError::Fetch(FetchError::Busy) => Self::Busy,
            error if error.is_transient() => Self::Unreachable,
            _ => Self::Unusable,
        }
    }
}

/// Why a text is not known to be signed by a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureFailure {
    /// There are no keys of the client.
    NoKeys(NoClientKeys),
    /// The text is malformed, or no key of the client verifies it.
    Invalid(JwtFault),
}

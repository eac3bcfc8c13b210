//! The public keys of trusted issuers: from their record, from the address in it, or found by discovery. Keys that are
//! fetched are cached; a `kid` that is unknown makes the node look again, at a bounded rate.

use std::future::ready;
use std::sync::Arc;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use fetch::{CacheRules, Documents, Fetcher};
use oauth::jwt::{JwtFault, Object, parse_object};
use oauth::trusted_issuer::{MOST_TRUSTED_ISSUERS, TrustedIssuer};
use quick_cache::sync::Cache;
use vault::jose::{KeySet, KeySetFault};

use crate::node::outbound::FetchPurpose;

/// After a fetch from an address the next one waits this long.
const PAUSE_SECS: i64 = 30;
/// The same after a fetch that the network or the host has made fail.
const SHORT_PAUSE_SECS: i64 = 5;

const RULES: CacheRules = CacheRules {
    largest_body: 64 * 1024,
    most_documents: 2 * MOST_TRUSTED_ISSUERS,
    floor_secs: 60,
    ceiling_secs: 86_400,
    default_secs: 3_600,
    // An issuer may have withdrawn a key, and keeps its host up; what has expired verifies nothing.
    stale_secs: 0,
};

/// Why there are no keys of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoIssuerKeys {
    /// They cannot be fetched now; a later request may succeed.
    Unavailable,
    /// What the issuer publishes is not a set of keys, or does not lead to one.
    Unusable,
}

/// Why a token of an issuer is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// There are no keys.
    NoKeys(NoIssuerKeys),
    /// The token is malformed, or no key verifies it.
    Jwt(JwtFault),
}

/// The keys that this node has.
pub(crate) struct IssuerKeys {
    inline: Cache<(TrustedIssuerId, Timestamp), Arc<KeySet>>,
    sets: Paced<KeySet, KeySetFault>,
    discovered: Paced<Object, NotAnObject>,
}

/// A discovery document is not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a JSON object with distinct members")]
struct NotAnObject;

impl IssuerKeys {
    pub(crate) fn new(fetcher: &Fetcher) -> Self {
        let fetcher = FetchPurpose::IssuerKeys.share(fetcher);
        Self {
            inline: Cache::new(MOST_TRUSTED_ISSUERS),
            sets: Paced::new(fetcher.clone(), |_, body| KeySet::parse(body)),
            discovered: Paced::new(fetcher, |_, body| parse_object(body).ok_or(NotAnObject)),
        }
    }

    /// The keys of an issuer, among which is the one with the id if the issuer publishes it.
    pub(crate) async fn of(
        &self,
        trusted: &TrustedIssuer,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, NoIssuerKeys> {
        if let Some(keys) = &trusted.settings.jwks {
            return self.inline(trusted, keys).ok_or(NoIssuerKeys::Unusable);
        }
        let address = match &trusted.settings.jwks_uri {
            Some(address) => address.clone(),
            None => self.discover(&trusted.issuer, now).await?,
        };
        self.sets.get(&address, now, |keys| id.is_none_or(|id| keys.has_id(id))).await
    }

    fn inline(&self, trusted: &TrustedIssuer, keys: &Object) -> Option<Arc<KeySet>> {
        let entry = (trusted.id, trusted.updated_at);
        if let Some(known) = self.inline.get(&entry) {
            return Some(known);
        }
        let parsed = Arc::new(KeySet::of(keys).ok()?);
        self.inline.insert(entry, Arc::clone(&parsed));
        Some(parsed)
    }

    /// The address of the keys, as the issuer's own document names it ([OpenID Connect Discovery
    /// §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig), [RFC 8414
    /// §3](https://www.rfc-editor.org/rfc/rfc8414#section-3)).
    async fn discover(&self, issuer: &str, now: Timestamp) -> Result<String, NoIssuerKeys> {
        let mut none = NoIssuerKeys::Unusable;
        for address in discovery_addresses(issuer) {
            let document = match self.discovered.get(&address, now, |_| true).await {
                Ok(document) => document,
                Err(NoIssuerKeys::Unavailable) => {
                    none = NoIssuerKeys::Unavailable;
                    continue;
                }
                Err(NoIssuerKeys::Unusable) => continue,
            };
            if !is_about(&document, issuer) {
                continue;
            }
            if let Some(keys) = document.get("jwks_uri").and_then(|address| address.as_str()) {
                return Ok(keys.to_owned());
            }
        }
        Err(none)
    }
}

/// "The `issuer` value returned MUST be identical to the authorization server's issuer identifier value" ([RFC 8414
/// §3.3](https://www.rfc-editor.org/rfc/rfc8414#section-3.3)).
fn is_about(document: &Object, issuer: &str) -> bool {
    document.get("issuer").and_then(|named| named.as_str()) == Some(issuer)
}

fn discovery_addresses(issuer: &str) -> [String; 2] {
    let whole = issuer.trim_end_matches('/');
    let host = whole.strip_prefix("https://").unwrap_or(whole);
    let (host, path) = host.split_once('/').map_or((host, ""), |(host, path)| (host, path));
    let slash = if path.is_empty() { "" } else { "/" };
    [
        format!("{whole}/.well-known/openid-configuration"),
        format!("https://{host}/.well-known/oauth-authorization-server{slash}{path}"),
    ]
}

/// Documents that are fetched at a bounded rate.
struct Paced<T, E> {
    fetcher: Fetcher,
    documents: Documents<T, E>,
    fetched: Cache<String, LastFetch>,
}

/// How the last fetch from an address ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LastFetch {
    at: Timestamp,
    failure: Option<NoIssuerKeys>,
}

impl LastFetch {
    fn is_pausing(&self, now: Timestamp) -> bool {
        let secs = match self.failure {
            Some(NoIssuerKeys::Unavailable) => SHORT_PAUSE_SECS,
            Some(NoIssuerKeys::Unusable) | None => PAUSE_SECS,
        };
        !self.at.is_older_than(secs, now)
    }
}

impl<T, E: Clone> Paced<T, E> {
    fn new(fetcher: Fetcher, read: fn(&str, &[u8]) -> Result<T, E>) -> Self {
        Self { fetcher, documents: Documents::new(RULES, read), fetched: Cache::new(RULES.most_documents) }
    }

    /// The document at the address: the kept one if it suffices, else a fetched one unless one was fetched a moment ago,
    /// else the kept one if it is fresh.
    async fn get(
        &self,
        address: &str,
        now: Timestamp,
        suffices: impl Fn(&T) -> bool,
    ) -> Result<Arc<T>, NoIssuerKeys> {
        let kept = self.documents.kept(address, now);
        if let Some(kept) = kept.clone().filter(|kept| suffices(kept)) {
            return Ok(kept);
        }
        let last = self.fetched.get(address).filter(|last| last.is_pausing(now));
        if let Some(LastFetch { failure, .. }) = last {
            return kept.ok_or(failure.unwrap_or(NoIssuerKeys::Unavailable));
        }
        // Boxed, because most calls fetch nothing. Concurrent callers share one request.
        let fetched = Box::pin(self.documents.get(address, Some(0), now, ready(Some(&self.fetcher)))).await;
        let fetched = fetched.map(|fetched| fetched.document).map_err(|error| {
            if error.is_transient() { NoIssuerKeys::Unavailable } else { NoIssuerKeys::Unusable }
        });
        let last = LastFetch { at: now, failure: fetched.as_ref().err().copied() };
        self.fetched.insert(address.to_owned(), last);
        fetched.or_else(|none| kept.ok_or(none))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_set_back_does_not_prolong_the_pause() {
        let keys = IssuerKeys::new(&Fetcher::default());
        let (address, now) = ("http://idp.example/keys", Timestamp::from_secs(1_000_000));
        for (at, expected) in
            [(now, now), (now.plus_secs(29), now), (now.minus_secs(3_600), now.minus_secs(3_600))]
        {
            let none = keys.sets.get(address, at, |_| true).await.unwrap_err();
            assert_eq!(none, NoIssuerKeys::Unusable, "nothing is fetched without https");
            let last = LastFetch { at: expected, failure: Some(none) };
            assert_eq!(keys.sets.fetched.get(address), Some(last), "{at:?}");
        }
    }

    #[test]
    fn a_host_that_is_out_of_order_is_asked_again_soon() {
        let at = Timestamp::from_secs(1_000_000);
        for (failure, secs) in
            [(None, 30), (Some(NoIssuerKeys::Unusable), 30), (Some(NoIssuerKeys::Unavailable), 5)]
        {
            let last = LastFetch { at, failure };
            assert!(last.is_pausing(at.plus_secs(secs - 1)), "{failure:?}");
            assert!(!last.is_pausing(at.plus_secs(secs)), "{failure:?}");
        }
    }

    #[test]
    fn both_forms_of_discovery_are_tried() {
        for (issuer, openid, oauth) in [
            (
                "https://idp.example",
                "https://idp.example/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://idp.example/tenant/",
                "https://idp.example/tenant/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server/tenant",
            ),
        ] {
            assert_eq!(discovery_addresses(issuer), [openid, oauth]);
        }
    }
}

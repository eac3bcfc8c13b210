//! The public keys of trusted issuers: from their record, from the address in it, or found by discovery. Keys that are
//! fetched are cached; a `kid` that is unknown makes the node look again, at a bounded rate.

use std::sync::Arc;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use fetch::{CacheRules, Documents, Fetcher};
use oauth::jwt::{Claims, JwtFault, Object, parse_object};
use oauth::trusted_issuer::{MOST_TRUSTED_ISSUERS, TrustedIssuer};
use quick_cache::sync::Cache;
use vault::jose::{self, AcceptedJwt, KeySet, KeySetFault};

use crate::Context;
use crate::node::outbound::Purpose;

/// After a fetch from an address, successful or not, the next one waits this long.
const PAUSE_SECS: i64 = 30;

const RULES: CacheRules = CacheRules {
    largest_body: 64 * 1024,
    most_documents: 2 * MOST_TRUSTED_ISSUERS,
    floor_secs: 60,
    ceiling_secs: 86_400,
    default_secs: 3_600,
    stale_secs: 0,
};

/// Why a token of an issuer is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// There are no keys at present.
    NoKeys,
    /// The token is malformed, or no key verifies it.
    Jwt(JwtFault),
}

/// The keys that this node has.
pub(crate) struct IssuerKeys {
    inline: Cache<(TrustedIssuerId, Timestamp), Arc<KeySet>>,
    sets: Paced<KeySet, KeySetFault>,
    discovered: Paced<Object, NotAnObject>,
}

/// A discovery document is no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a JSON object with distinct members")]
struct NotAnObject;

impl IssuerKeys {
    pub(crate) fn new(fetcher: &Fetcher) -> Self {
        let fetcher = &Purpose::IssuerKeys.share(fetcher);
        Self {
            inline: Cache::new(MOST_TRUSTED_ISSUERS),
            sets: Paced::new(fetcher, |_, body| KeySet::parse(body)),
            discovered: Paced::new(fetcher, |_, body| parse_object(body).ok_or(NotAnObject)),
        }
    }

    /// The keys of an issuer, among which is the one with the id if the issuer publishes it.
    async fn of(&self, trusted: &TrustedIssuer, id: Option<&str>, now: Timestamp) -> Option<Arc<KeySet>> {
        if let Some(keys) = &trusted.settings.jwks {
            return self.inline(trusted, keys);
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
    async fn discover(&self, issuer: &str, now: Timestamp) -> Option<String> {
        for address in discovery_addresses(issuer) {
            let document = self.discovered.get(&address, now, |_| true).await;
            let Some(document) = document.filter(|document| is_about(document, issuer)) else { continue };
            if let Some(keys) = document.get("jwks_uri").and_then(|address| address.as_str()) {
                return Some(keys.to_owned());
            }
        }
        None
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
    documents: Documents<T, E>,
    fetched: Cache<String, Timestamp>,
}

impl<T, E: Clone> Paced<T, E> {
    fn new(fetcher: &Fetcher, read: fn(&str, &[u8]) -> Result<T, E>) -> Self {
        Self {
            documents: Documents::new(fetcher.clone(), RULES, read),
            fetched: Cache::new(RULES.most_documents),
        }
    }

    /// The document at the address: the kept one if it suffices, else a fetched one unless one was fetched a moment ago,
    /// else the kept one if it is fresh.
    async fn get(&self, address: &str, now: Timestamp, suffices: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let kept = self.documents.kept(address, None, now);
        if kept.as_deref().is_some_and(suffices) {
            return kept;
        }
        let is_pausing = self.fetched.get(address).is_some_and(|at| !at.is_older_than(PAUSE_SECS, now));
        if is_pausing {
            return kept;
        }
        // Boxed, because most calls fetch nothing. Concurrent callers share one request.
        let fetched = Box::pin(self.documents.get_recent(address, 0, now)).await;
        self.fetched.insert(address.to_owned(), now);
        fetched.ok().or(kept)
    }
}

impl Context {
    /// The claims of a token that a key of the issuer has signed, of one of these types.
    ///
    /// # Errors
    /// [`Unverified`]. A type that is not accepted is found before any key is looked for.
    pub(crate) async fn verify_issued(
        &self,
        text: &str,
        trusted: &TrustedIssuer,
        types: &[Option<&str>],
    ) -> Result<Claims, Unverified> {
        let id = jose::unverified_key_id(text);
        let keys = self.issuer_keys.of(trusted, id.as_deref(), self.now()).await.ok_or(Unverified::NoKeys)?;
        let accepted = AcceptedJwt { algorithms: trusted.settings.accepted_algorithms(), types };
        jose::verify(text, &keys, accepted).map_err(Unverified::Jwt)
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
            assert!(keys.sets.get(address, at, |_| true).await.is_none(), "nothing is fetched without https");
            assert_eq!(keys.sets.fetched.get(address), Some(expected), "{at:?}");
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

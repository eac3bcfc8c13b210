//! Documents of one kind, such as key sets: fetched once for all concurrent callers, validated, and cached.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::Timestamp;
use http::{StatusCode, header};
use quick_cache::sync::Cache;
use tokio::sync::OnceCell;
use url::Url;

use crate::FetchError;
use crate::fetcher::{FetchRequest, FetchResponse, Fetcher};
use crate::freshness::lifetime_secs;

/// How documents of a kind are fetched and kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheRules {
    /// The maximum size of a document in bytes.
    pub largest_body: usize,
    /// The maximum number of documents that are kept.
    pub most_documents: usize,
    /// The number of seconds for which a document is kept at least, whatever its headers say.
    pub floor_secs: u32,
    /// The number of seconds for which it is kept at most.
    pub ceiling_secs: u32,
    /// The number of seconds if its headers say nothing.
    pub default_secs: u32,
    /// For how many seconds more it is still given if it cannot be fetched again in time, or because others are fetched.
    pub stale_secs: u32,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError<E> {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It breaks the rules of its kind.
    #[error("{0}")]
    Invalid(E),
}

/// Reads a document: the URL under which it was asked for, exactly as written, and the body.
type Read<T, E> = fn(&str, &[u8]) -> Result<T, E>;

/// The documents of one kind.
pub struct Documents<T, E> {
    client: Fetcher,
    rules: CacheRules,
    read: Read<T, E>,
    kept: Cache<String, Arc<Kept<T>>>,
    running: Mutex<HashMap<String, Shared<T, E>>>,
}

type Outcome<T, E> = Result<Arc<Kept<T>>, DocumentError<E>>;
type Shared<T, E> = Arc<OnceCell<Outcome<T, E>>>;

struct Kept<T> {
    document: Arc<T>,
    fetched_at: Timestamp,
    /// How long it stays fresh.
    lifetime_secs: i64,
}

impl<T> Kept<T> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        !self.fetched_at.is_older_than(self.lifetime_secs, now)
    }
}

impl<T, E: Clone> Documents<T, E> {
    /// An empty cache.
    pub fn new(client: Fetcher, rules: CacheRules, read: Read<T, E>) -> Self {
        Self { client, rules, read, kept: Cache::new(rules.most_documents), running: Mutex::default() }
    }

    /// The document at a URL: the kept one if it is fresh, else a fetched one.
    ///
    /// # Errors
    /// If it cannot be fetched or breaks the rules; neither is remembered. While it cannot be fetched in time, or because
    /// others are fetched, the kept one is given for a while.
    pub async fn get(&self, url: &str, now: Timestamp) -> Result<Arc<T>, DocumentError<E>> {
        self.get_through(url, None, now, ready(Some(&self.client))).await
    }

    /// The document at a URL, fetched again unless the kept one was fetched in the last `secs` seconds.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn get_recent(&self, url: &str, secs: u32, now: Timestamp) -> Result<Arc<T>, DocumentError<E>> {
        self.get_through(url, Some(secs), now, ready(Some(&self.client))).await
    }

    /// Like [`Self::get`], or [`Self::get_recent`] with `secs`, through another fetcher. `through` is asked only if there
    /// is something to fetch and nobody fetches it; with `None` nothing is fetched at present.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn get_through<'f>(
        &self,
        url: &str,
        secs: Option<u32>,
        now: Timestamp,
        through: impl Future<Output = Option<&'f Fetcher>> + Send,
    ) -> Result<Arc<T>, DocumentError<E>> {
        let kept = self.kept.get(url).filter(|kept| match secs {
            None => kept.is_fresh(now),
            Some(secs) => !kept.fetched_at.is_older_than(i64::from(secs), now),
        });
        match kept {
            Some(kept) => Ok(Arc::clone(&kept.document)),
            None => self.fetch(url, now, through).await,
        }
    }

    /// The document at a URL if it is kept and fresh, and, with `secs`, was fetched in the last `secs` seconds. Nothing
    /// is fetched.
    pub fn kept(&self, url: &str, secs: Option<u32>, now: Timestamp) -> Option<Arc<T>> {
        let kept = self.kept.get(url)?;
        let is_young = secs.is_none_or(|secs| !kept.fetched_at.is_older_than(i64::from(secs), now));
        (is_young && kept.is_fresh(now)).then(|| Arc::clone(&kept.document))
    }

    /// Forgets what is kept of a URL.
    pub fn forget(&self, url: &str) {
        self.kept.remove(url);
    }

    /// All callers that ask for a URL while it is fetched get the same result. If the one that fetches goes away,
    /// the next one takes over.
    async fn fetch<'f>(
        &self,
        url: &str,
        now: Timestamp,
        through: impl Future<Output = Option<&'f Fetcher>> + Send,
    ) -> Result<Arc<T>, DocumentError<E>> {
        let running = Running::join(&self.running, url);
        let outcome = running.cell.get_or_init(|| self.fetch_alone(url, now, through)).await;
        match outcome {
            Ok(kept) => Ok(Arc::clone(&kept.document)),
            Err(error) => self.stale(url, error, now).ok_or_else(|| error.clone()),
        }
    }

    /// The kept document, if it cannot be fetched only because of the load on this server or on the host. If the host
    /// has said that there is none any more, a stale one is forgotten.
    fn stale(&self, url: &str, error: &DocumentError<E>, now: Timestamp) -> Option<Arc<T>> {
        let kept = self.kept.get(url)?;
        match error {
            DocumentError::Fetch(FetchError::Busy | FetchError::TimedOut) => {}
            error if is_final(error) && !kept.is_fresh(now) => {
                self.forget(url);
                return None;
            }
            _ => return None,
        }
        let most_secs = kept.lifetime_secs + i64::from(self.rules.stale_secs);
        (!kept.fetched_at.is_older_than(most_secs, now)).then(|| Arc::clone(&kept.document))
    }

    async fn fetch_alone<'f>(
        &self,
        url: &str,
        now: Timestamp,
        through: impl Future<Output = Option<&'f Fetcher>> + Send,
    ) -> Outcome<T, E> {
        let parsed = Url::parse(url).map_err(|_| FetchError::UnusableUrl)?;
        let largest_body = self.rules.largest_body;
        let request = FetchRequest { url: &parsed, accept: "application/json", post: None, largest_body };
        let fetcher = through.await.ok_or(FetchError::Busy)?;
        let response = fetcher.send(request).await?;
        is_whole_json(&response)?;
        let document = (self.read)(url, &response.body).map_err(DocumentError::Invalid)?;
        let kept = Arc::new(Kept {
            document: Arc::new(document),
            fetched_at: now,
            lifetime_secs: self.rules.lifetime_secs(&response),
        });
        self.kept.insert(url.to_owned(), Arc::clone(&kept));
        Ok(kept)
    }
}

impl CacheRules {
    fn lifetime_secs(&self, response: &FetchResponse) -> i64 {
        let told = lifetime_secs(&response.headers).unwrap_or(u64::from(self.default_secs));
        let bounded = told.min(u64::from(self.ceiling_secs)).max(u64::from(self.floor_secs));
        i64::try_from(bounded).unwrap_or_default()
    }
}

/// Whether the host has answered, and is not only out of order.
fn is_final<E>(error: &DocumentError<E>) -> bool {
    match error {
        DocumentError::Invalid(_) => true,
        DocumentError::Fetch(FetchError::Status(status)) => *status != 429 && *status < 500,
        DocumentError::Fetch(error) => {
            matches!(error, FetchError::MediaType | FetchError::ContentCoding | FetchError::TooLarge)
        }
    }
}

/// A whole document of type `application/json` or `application/*+json`, without a content coding.
fn is_whole_json(response: &FetchResponse) -> Result<(), FetchError> {
    if response.status != StatusCode::OK {
        return Err(FetchError::Status(response.status.as_u16()));
    }
    let header = |name| response.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if header(header::CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(FetchError::ContentCoding);
    }
    let media_type = header(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    let is_json = subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"));
    if is_json { Ok(()) } else { Err(FetchError::MediaType) }
}

/// A caller of a running fetch. The last one to leave removes it.
struct Running<'a, T, E> {
    all: &'a Mutex<HashMap<String, Shared<T, E>>>,
    url: &'a str,
    cell: Shared<T, E>,
}

impl<'a, T, E> Running<'a, T, E> {
    fn join(all: &'a Mutex<HashMap<String, Shared<T, E>>>, url: &'a str) -> Self {
        let mut running = all.lock().unwrap_or_else(PoisonError::into_inner);
        // Who comes after the end starts anew: an error is shared by those who waited for it, not remembered.
        let joined = running.get(url).filter(|cell| !cell.initialized());
        let cell = joined.cloned().unwrap_or_else(|| {
            let cell = Shared::default();
            running.insert(url.to_owned(), Arc::clone(&cell));
            cell
        });
        Self { all, url, cell }
    }
}

impl<T, E> Drop for Running<'_, T, E> {
    fn drop(&mut self) {
        let mut running = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and this caller hold the cell; anybody else is another caller.
        let is_last = Arc::strong_count(&self.cell) <= 2;
        if is_last && running.get(self.url).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell)) {
            running.remove(self.url);
        }
    }
}

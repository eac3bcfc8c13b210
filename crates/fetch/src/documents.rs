//! Documents of one kind, such as key sets: fetched once for all concurrent callers, validated, and cached.

use std::collections::HashMap;
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

impl<E> DocumentError<E> {
    /// Whether the same request may succeed later: the network, the host or this server is out of order. Otherwise the host has
    /// answered, or the address cannot be used at all.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Invalid(_) => false,
            Self::Fetch(error) => error.is_transient(),
        }
    }
}

/// A document and when it was fetched.
#[derive(Debug)]
pub struct Fetched<T> {
    /// The document.
    pub document: Arc<T>,
    /// When the request began that brought it.
    pub at: Timestamp,
}

/// Reads a document: the URL under which it was asked for, exactly as written, and the body.
type Read<T, E> = fn(&str, &[u8]) -> Result<T, E>;

/// The documents of one kind.
pub struct Documents<T, E> {
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

    fn given(&self) -> Fetched<T> {
        Fetched { document: Arc::clone(&self.document), at: self.fetched_at }
    }
}

impl<T, E: Clone> Documents<T, E> {
    /// An empty cache.
    pub fn new(rules: CacheRules, read: Read<T, E>) -> Self {
        Self { rules, read, kept: Cache::new(rules.most_documents), running: Mutex::default() }
    }

    /// The document at a URL: the kept one if it is fresh or, with `most_age_secs`, if it was fetched in that time; else a
    /// fetched one. `through` is asked for the fetcher only if there is something to fetch and nobody fetches it; with `None`
    /// nothing is fetched, because the document was asked for too often.
    ///
    /// # Errors
    /// If it cannot be fetched or breaks the rules; neither is remembered. While it cannot be fetched in time, or because
    /// others are fetched, the kept one is given for a while, unless `most_age_secs` demands a newer one.
    pub async fn get<'f>(
        &self,
        url: &str,
        most_age_secs: Option<u32>,
        now: Timestamp,
        through: impl Future<Output = Option<&'f Fetcher>> + Send,
    ) -> Result<Fetched<T>, DocumentError<E>> {
        let kept = self.kept.get(url).filter(|kept| match most_age_secs {
            None => kept.is_fresh(now),
            Some(secs) => !kept.fetched_at.is_older_than(i64::from(secs), now),
        });
        if let Some(kept) = kept {
            return Ok(kept.given());
        }
        let fetched = self.fetch(url, now, through).await;
        fetched.or_else(|error| match self.stale(url, &error, now) {
            Some(stale) if most_age_secs.is_none() => Ok(stale.given()),
            _ => Err(error),
        })
    }

    /// The document at a URL if it is kept and fresh. Nothing is fetched.
    pub fn kept(&self, url: &str, now: Timestamp) -> Option<Arc<T>> {
        let kept = self.kept.get(url)?;
        kept.is_fresh(now).then(|| Arc::clone(&kept.document))
    }

    /// All callers that ask for a URL while it is fetched get the same result. If the one that fetches goes away,
    /// the next one takes over.
    async fn fetch<'f>(
        &self,
        url: &str,
        now: Timestamp,
        through: impl Future<Output = Option<&'f Fetcher>> + Send,
    ) -> Result<Fetched<T>, DocumentError<E>> {
        let running = Running::join(&self.running, url);
        let outcome = running.cell.get_or_init(|| self.fetch_alone(url, now, through)).await;
        outcome.as_ref().map(|kept| kept.given()).map_err(Clone::clone)
    }

    /// The kept document, if it cannot be fetched only because of the load on this server or on the host. If the host
    /// has said that there is none any more, a stale one is forgotten.
    fn stale(&self, url: &str, error: &DocumentError<E>, now: Timestamp) -> Option<Arc<Kept<T>>> {
        let kept = self.kept.get(url)?;
        match error {
            DocumentError::Fetch(FetchError::Busy | FetchError::TooOften | FetchError::TimedOut) => {}
            error if !error.is_transient() && !kept.is_fresh(now) => {
                self.kept.remove(url);
                return None;
            }
            _ => return None,
        }
        let most_secs = kept.lifetime_secs + i64::from(self.rules.stale_secs);
        (!kept.fetched_at.is_older_than(most_secs, now)).then_some(kept)
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
        let fetcher = through.await.ok_or(FetchError::TooOften)?;
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
        let stated = lifetime_secs(&response.headers).unwrap_or(u64::from(self.default_secs));
        let bounded = stated.min(u64::from(self.ceiling_secs)).max(u64::from(self.floor_secs));
        i64::try_from(bounded).unwrap_or_default()
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
        // A later caller starts a new request: an error is shared by those who waited for it, not remembered.
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

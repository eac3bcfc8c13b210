//! Requests to origins on this machine, which only the switch for tests permits.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it here")]

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::time::Timestamp;
use fetch::{
    CacheRules, Danger, DocumentError, Documents, FetchError, FetchLimits, FetchRequest, FetchResponse,
    Fetcher, FetcherSettings, ResolveName,
};
use serde_json::json;
use testkit::host::{AUTHORITY, Reply, TestHost, TestNames, client};
use url::Url;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);
const RULES: CacheRules = CacheRules {
    largest_body: 1_000,
    most_documents: 10,
    floor_secs: 60,
    ceiling_secs: 3_600,
    default_secs: 600,
    stale_secs: 300,
};

async fn get(client: &Fetcher, url: &str) -> Result<FetchResponse, FetchError> {
    let url = Url::parse(url).unwrap();
    client.send(FetchRequest { url: &url, accept: "application/json", post: None, largest_body: 1_000 }).await
}

/// A client that may reach this machine, with another resolver.
fn client_with(resolver: impl ResolveName, limits: FetchLimits) -> Fetcher {
    let danger = Some(Danger { authorities: AUTHORITY.to_vec() });
    Fetcher::new(FetcherSettings { limits, resolver: Arc::new(resolver), danger }).unwrap()
}

/// Gives the same addresses for every name.
struct Always(&'static [&'static str]);

impl ResolveName for Always {
    fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(self.0.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

#[tokio::test]
async fn a_document_of_a_trusted_host_is_read() {
    let host = TestHost::start().await;
    host.reply("/a?b=c", Reply::json(&json!({"d": 1})));
    let response = get(&client(), &host.url("client.test", "/a?b=c")).await.unwrap();
    assert_eq!((response.status.as_u16(), &*response.body), (200, &br#"{"d":1}"#[..]));
}

#[tokio::test]
async fn a_post_sends_its_body() {
    let host = TestHost::start().await;
    host.reply("/logout", Reply::text("").status(204));
    let url = Url::parse(&host.url("client.test", "/logout")).unwrap();
    let body = Bytes::from_static(b"logout_token=x");
    let post = Some(("application/x-www-form-urlencoded", &body));
    let request = FetchRequest { url: &url, accept: "*/*", post, largest_body: 0 };
    assert_eq!(client().send(request).await.unwrap().status, 204);
    assert_eq!(host.received("/logout")[0].body, body);
}

#[tokio::test]
async fn only_https_urls_without_credentials_are_fetched() {
    for (url, error) in [
        ("http://client.test/", FetchError::NotHttps),
        ("ftp://client.test/", FetchError::NotHttps),
        ("https://user@client.test/", FetchError::UnusableUrl),
        ("https://:secret@client.test/", FetchError::UnusableUrl),
    ] {
        assert_eq!(get(&client(), url).await.unwrap_err(), error, "{url}");
    }
}

#[tokio::test]
async fn a_name_with_one_special_use_address_is_refused_whole() {
    for addresses in [
        &["10.0.0.1"][..],
        &["8.8.8.8", "169.254.169.254"],
        &["2001:4860:4860::8888", "fd00::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::808:808"],
    ] {
        let client = client_with(Always(addresses), FetchLimits::default());
        let error = get(&client, "https://client.test/").await.unwrap_err();
        assert!(matches!(error, FetchError::SpecialUse(_)), "{addresses:?}: {error:?}");
    }
}

#[tokio::test]
async fn loopback_is_refused_without_the_switch() {
    let client =
        Fetcher::new(FetcherSettings { resolver: Arc::new(TestNames), ..FetcherSettings::default() })
            .unwrap();
    for url in ["https://client.test/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/"] {
        assert!(matches!(get(&client, url).await.unwrap_err(), FetchError::SpecialUse(_)), "{url}");
    }
}

#[tokio::test]
async fn an_inside_name_looks_like_one_that_does_not_exist() {
    let inside = get(&client_with(Always(&["10.0.0.1"]), FetchLimits::default()), "https://a.test/").await;
    let nothing = get(&client_with(Always(&[]), FetchLimits::default()), "https://a.test/").await;
    assert_eq!(inside.unwrap_err().to_string(), nothing.unwrap_err().to_string());
}

/// Points to the machine at first, and to a refused address from then on.
#[derive(Default)]
struct Rebinding(AtomicUsize);

impl ResolveName for Rebinding {
    fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = if self.0.fetch_add(1, Ordering::Relaxed) == 0 { "127.0.0.1" } else { "10.0.0.1" };
        Ok(vec![SocketAddr::new(address.parse().unwrap(), port)])
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_connected_to() {
    let host = TestHost::start().await;
    host.reply("/", Reply::json(&json!({})));
    let client = client_with(Rebinding::default(), FetchLimits::default());
    assert!(get(&client, &host.url("client.test", "/")).await.is_ok());
    let second = get(&client, &host.url("client.test", "/")).await;
    assert!(matches!(second, Err(FetchError::SpecialUse(_))));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let host = TestHost::start().await;
    let client = client_with(Always(&["127.0.0.1"]), FetchLimits::default());
    let error = get(&client, &host.url("client.example", "/")).await.unwrap_err();
    assert_eq!(error, FetchError::Untrusted);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let host = TestHost::start().await;
    let target = host.url("client.test", "/b");
    host.reply("/a", Reply::text("").status(302).header("location", target));
    assert_eq!(get(&client(), &host.url("client.test", "/a")).await.unwrap().status, 302);
    assert!(host.received("/b").is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let host = TestHost::start().await;
    for (size, fits) in [(1_000, true), (1_001, false), (10_000_000, false)] {
        host.reply("/", Reply::text(vec![b' '; size]));
        let result = get(&client(), &host.url("client.test", "/")).await;
        assert_eq!(result.err(), (!fits).then_some(FetchError::TooLarge), "{size}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_takes_bounded_time() {
    let host = TestHost::start().await;
    host.reply("/", Reply::text("").held_back());
    let limits = FetchLimits { time: Duration::from_millis(200), ..FetchLimits::default() };
    let error = get(&client_with(TestNames, limits), &host.url("client.test", "/")).await.unwrap_err();
    assert_eq!(error, FetchError::TimedOut);
}

#[tokio::test]
async fn a_slow_host_cannot_use_up_the_requests_to_others() {
    let host = TestHost::start().await;
    host.reply("/slow", Reply::text("").held_back());
    host.reply("/", Reply::text(""));
    let limits = FetchLimits { time: Duration::from_mins(1), total: 2, per_host: 1 };
    let client = client_with(TestNames, limits);
    let slow = host.url("slow.test", "/slow");
    let quick = host.url("client.test", "/");
    let mut first = Box::pin(get(&client, &slow));
    let other = tokio::select! {
        biased;
        _ = &mut first => panic!("it is held back"),
        other = get(&client, &quick) => other,
    };
    assert!(other.is_ok());
    assert_eq!(get(&client, &slow).await.unwrap_err(), FetchError::Busy);
    drop(first);
    host.reply("/slow", Reply::text(""));
    assert!(get(&client, &slow).await.is_ok());
}

fn object(_url: &str, body: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "is not text")?;
    if text.starts_with('{') { Ok(text.to_owned()) } else { Err("is not an object") }
}

fn documents() -> Documents<String, &'static str> {
    Documents::new(RULES, object)
}

type Answered = Result<Arc<String>, DocumentError<&'static str>>;

/// The document at a URL, which is not older than that many seconds if there are any.
async fn document(
    documents: &Documents<String, &'static str>,
    url: &str,
    most_age_secs: Option<u32>,
    now: Timestamp,
) -> Answered {
    let client = client();
    let fetched = documents.get(url, most_age_secs, now, ready(Some(&client))).await;
    fetched.map(|fetched| fetched.document)
}

#[tokio::test]
async fn a_document_is_kept_as_long_as_its_headers_say_within_our_bounds() {
    let host = TestHost::start().await;
    let url = host.url("client.test", "/");
    for (cache_control, secs) in [("max-age=120", 120), ("max-age=1, no-store", 60), ("max-age=99999", 3_600)]
    {
        let documents = documents();
        let before = host.received("/").len();
        host.reply("/", Reply::json(&json!({})).header("cache-control", cache_control));
        for (at, fetches) in [(0, 1), (secs - 1, 1), (secs + 1, 2)] {
            document(&documents, &url, None, NOW.plus_secs(at)).await.unwrap();
            assert_eq!(host.received("/").len() - before, fetches, "{cache_control} after {at}");
        }
    }
}

#[tokio::test]
async fn concurrent_callers_share_one_request() {
    let host = TestHost::start().await;
    host.reply("/", Reply::json(&json!({})));
    let url = host.url("client.test", "/");
    let documents = documents();
    let get = || document(&documents, &url, None, NOW);
    let results = tokio::join!(get(), get(), get(), get(), get(), get());
    assert!(results.0.is_ok() && results.5.is_ok());
    assert_eq!(host.received("/").len(), 1);
}

#[tokio::test]
async fn errors_and_invalid_documents_are_not_kept() {
    let host = TestHost::start().await;
    let url = host.url("client.test", "/");
    let documents = documents();
    let json = |body: &'static str| Reply::text(body).header("content-type", "application/json");
    for (reply, error) in [
        (json("{}").status(404), DocumentError::Fetch(FetchError::Status(404))),
        (json("{}").status(206), DocumentError::Fetch(FetchError::Status(206))),
        (json("{}").header("content-encoding", "gzip"), DocumentError::Fetch(FetchError::ContentCoding)),
        (Reply::text("{}").header("content-type", "text/html"), DocumentError::Fetch(FetchError::MediaType)),
        (Reply::text("{}"), DocumentError::Fetch(FetchError::MediaType)),
        (json("[]"), DocumentError::Invalid("is not an object")),
    ] {
        host.reply("/", reply);
        assert_eq!(document(&documents, &url, None, NOW).await.unwrap_err(), error);
    }
    host.reply("/", Reply::text("{}").header("content-type", "application/jwk-set+json; charset=utf-8"));
    assert!(document(&documents, &url, None, NOW).await.is_ok());
}

#[tokio::test]
async fn a_recent_document_is_not_fetched_again() {
    let host = TestHost::start().await;
    host.reply("/", Reply::json(&json!({})));
    let url = host.url("client.test", "/");
    let documents = documents();
    document(&documents, &url, None, NOW).await.unwrap();
    for (at, fetches) in [(10, 1), (31, 2), (40, 2)] {
        document(&documents, &url, Some(30), NOW.plus_secs(at)).await.unwrap();
        assert_eq!(host.received("/").len(), fetches, "after {at}");
    }
}

#[tokio::test]
async fn a_share_leaves_requests_to_others() {
    let host = TestHost::start().await;
    host.reply("/slow", Reply::text("").held_back());
    host.reply("/", Reply::text(""));
    let whole = client_with(TestNames, FetchLimits { total: 2, ..FetchLimits::default() });
    let share = whole.share(1, Duration::from_mins(1));
    let (slow, quick) = (host.url("slow.test", "/slow"), host.url("client.test", "/"));
    let mut first = Box::pin(get(&share, &slow));
    let (second, other) = tokio::select! {
        biased;
        _ = &mut first => panic!("it is held back"),
        both = async { (get(&share, &quick).await, get(&whole, &quick).await) } => both,
    };
    assert_eq!(second.unwrap_err(), FetchError::Busy, "also of another host");
    assert!(other.is_ok());
    drop(first);
    let brief = whole.share(1, Duration::from_millis(100));
    assert_eq!(get(&brief, &slow).await.unwrap_err(), FetchError::TimedOut);
    assert!(get(&brief, &quick).await.is_ok(), "the permit is given back");
}

#[tokio::test]
async fn a_share_is_busy_with_a_host_alone() {
    let host = TestHost::start().await;
    host.reply("/slow", Reply::text("").held_back());
    host.reply("/", Reply::text(""));
    let whole = client_with(TestNames, FetchLimits { per_host: 1, ..FetchLimits::default() });
    let (one, other) = (whole.share(4, Duration::from_mins(1)), whole.share(4, Duration::from_mins(1)));
    let (slow, quick) = (host.url("client.test", "/slow"), host.url("client.test", "/"));
    let mut first = Box::pin(get(&one, &slow));
    let (same, others) = tokio::select! {
        biased;
        _ = &mut first => panic!("it is held back"),
        both = async { (get(&one, &quick).await, get(&other, &quick).await) } => both,
    };
    assert_eq!(same.unwrap_err(), FetchError::Busy);
    assert!(others.is_ok());
}

/// Resolves names that begin with `stuck` only when the sender is gone.
struct Stuck(Mutex<Receiver<()>>);

impl ResolveName for Stuck {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if host.starts_with("stuck") {
            let _gone = self.0.lock().unwrap().recv();
        }
        TestNames.resolve(host, port)
    }
}

#[tokio::test]
async fn slow_names_of_one_purpose_do_not_stop_another() {
    let host = TestHost::start().await;
    host.reply("/", Reply::text(""));
    let (sender, receiver) = mpsc::channel();
    let whole = client_with(Stuck(Mutex::new(receiver)), FetchLimits::default());
    let (strangers, own) =
        (whole.share(2, Duration::from_millis(100)), whole.share(2, Duration::from_mins(1)));
    for name in ["stuck.test", "stuck-2.test", "stuck-3.test", "stuck-4.test", "client.test"] {
        let error = get(&strangers, &host.url(name, "/")).await.unwrap_err();
        assert_eq!(error, FetchError::TimedOut, "{name}");
    }
    let quick = host.url("client.test", "/");
    assert!(get(&own, &quick).await.is_ok() && get(&whole, &quick).await.is_ok());
    drop(sender);
}

#[tokio::test]
async fn a_stale_document_is_given_while_it_cannot_be_fetched_in_time() {
    let host = TestHost::start().await;
    let url = host.url("client.test", "/");
    let (documents, client) = (documents(), client().share(1, Duration::from_millis(100)));
    let ask = async |secs, most_age_secs, through| {
        let fetched = documents.get(&url, most_age_secs, NOW.plus_secs(secs), ready(through)).await;
        fetched.map(|fetched| fetched.document)
    };
    let get = async |secs| ask(secs, None, Some(&client)).await;
    let busy = async |secs| ask(secs, None, None).await;
    assert_eq!(busy(0).await.unwrap_err(), DocumentError::Fetch(FetchError::TooOften), "nothing is kept");
    host.reply("/", Reply::json(&json!({})));
    let first = get(0).await.unwrap();
    host.reply("/", Reply::text("").held_back());
    assert!(Arc::ptr_eq(&get(601).await.unwrap(), &first));
    assert!(Arc::ptr_eq(&busy(899).await.unwrap(), &first));
    assert!(ask(899, Some(60), None).await.is_err(), "a newer one is needed");
    assert_eq!(busy(900).await.unwrap_err(), DocumentError::Fetch(FetchError::TooOften), "too old");
    assert_eq!(get(900).await.unwrap_err(), DocumentError::Fetch(FetchError::TimedOut), "too old");
    for (status, is_kept) in [(503, true), (404, false)] {
        host.reply("/", Reply::json(&json!({})).status(status));
        assert_eq!(get(601).await.unwrap_err(), DocumentError::Fetch(FetchError::Status(status)));
        assert_eq!(busy(602).await.is_ok(), is_kept, "the host has answered {status}");
    }
    host.reply("/", Reply::json(&json!({})));
    get(0).await.unwrap();
    host.reply("/", Reply::json(&json!([])));
    assert_eq!(get(601).await.unwrap_err(), DocumentError::Invalid("is not an object"));
    assert!(busy(602).await.is_err(), "the host has answered");
}

#[tokio::test]
async fn who_waits_for_a_running_request_is_not_asked_for_another() {
    let host = TestHost::start().await;
    host.reply("/", Reply::json(&json!({})));
    let (url, documents, client, asked) =
        (host.url("client.test", "/"), documents(), client(), AtomicUsize::new(0));
    let get = || {
        documents.get(&url, None, NOW, async {
            asked.fetch_add(1, Ordering::Relaxed);
            Some(&client)
        })
    };
    let results = tokio::join!(get(), get(), get(), get());
    assert!(results.0.is_ok() && results.3.is_ok());
    assert_eq!((asked.load(Ordering::Relaxed), host.received("/").len()), (1, 1));
}

#[test]
fn only_what_may_be_over_later_is_transient() {
    for (error, is_transient) in [
        (FetchError::NotHttps, false),
        (FetchError::UnusableUrl, false),
        (FetchError::NotResolved, true),
        (FetchError::SpecialUse("private"), true),
        (FetchError::Unreachable, true),
        (FetchError::Untrusted, true),
        (FetchError::Malformed, true),
        (FetchError::Status(302), false),
        (FetchError::Status(404), false),
        (FetchError::Status(429), true),
        (FetchError::Status(500), true),
        (FetchError::MediaType, false),
        (FetchError::ContentCoding, false),
        (FetchError::TooLarge, false),
        (FetchError::TimedOut, true),
        (FetchError::Busy, true),
        (FetchError::TooOften, true),
    ] {
        assert_eq!(error.is_transient(), is_transient, "{error:?}");
    }
    assert!(!DocumentError::Invalid("is not an object").is_transient());
}

//! Guarded requests to addresses that strangers name: metadata documents of clients, their keys, their logout addresses.
//!
//! A stranger who names an address must not be able to reach the inside of the operator's network through the server,
//! nor use it up. The [`Fetcher`] accepts `https` only, resolves the name itself, refuses a name with any special-use
//! address ([`domain::special_use`]), and connects to the address that it has checked. It follows no redirect, asks no
//! proxy, and limits size, time and the number of concurrent requests, in total, for each purpose, and per host.
//! [`Documents`] adds a bounded cache and shares one request among concurrent callers.
//!
//! **Architecture invariant:** this is the only crate that connects to an address from a request or a document.
//!
//! Start reading at [`Fetcher::send`], then [`Documents::get`].

mod connect;
mod documents;
mod error;
mod fetcher;
mod freshness;
mod permits;
mod resolve;
mod text;
mod trust;

pub use documents::{CacheRules, DocumentError, Documents, Fetched};
pub use error::FetchError;
pub use fetcher::{FetchLimits, FetchRequest, FetchResponse, Fetcher, FetcherSettings};
pub use freshness::lifetime_secs;
pub use resolve::{ResolveName, SystemResolver};
pub use trust::{Danger, UnreadableCertificates, client_config};

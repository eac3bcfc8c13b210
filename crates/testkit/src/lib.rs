//! The whole server in process, with a clock that tests advance, seeded randomness, and a browser without a
//! screen.
//!
//! ```no_run
//! # async fn example() {
//! use testkit::{TestServer, USER};
//!
//! let server = TestServer::start().await;
//! let answer = server.get("/api/mgmt/oauth/client/applications").basic(&USER).send().await;
//! assert_eq!(answer.status(), 200);
//! # }
//! ```
//!
//! There are no sockets and no sleeping: a request goes straight into [`web::service`], and time passes when
//! a test advances the clock.
//!
//! Start reading at [`TestServer`], then [`Call`] (one request) and [`Browser`] (a person with cookies and
//! forms).

pub mod acknowledged;
mod algorithm_key;
mod answer;
pub mod balancer;
mod browser;
mod call;
mod client_certificate;
mod client_key;
mod clock;
mod fake_signer;
pub mod histories;
pub mod host;
mod html;
pub mod link;
mod logged;
pub mod mariadb;
mod ports;
pub mod postgres;
mod process;
mod random;
mod server;
mod smtp;
mod totp;
mod watchdog;
mod watched;
mod wire;
mod wire_client;

pub use algorithm_key::AlgorithmKey;
pub use answer::{Answer, uncompressed};
pub use browser::Browser;
pub use call::Call;
pub use client_certificate::TestCertificate;
pub use client_key::{ClientKey, content_digest, hmac_jwt};
pub use clock::ManualClock;
pub use fake_signer::{FakeSigner, SignerBehaviour};
pub use html::Form;
pub use logged::{LogLine, Logged};
pub use process::{Installation, Served};
pub use random::Random;
pub use server::{ADMIN, OTHER, Setup, TestServer, TestUser, USER};
pub use smtp::{SinkTls, SmtpSink, SunkMail};
pub use totp::totp;
pub use wire::{Wire, WireAnswer, basic};
pub use wire_client::{REDIRECT, WireClient, challenge_of};

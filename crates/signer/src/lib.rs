//! Signing keys outside of the process: the protocol between the server and a **signer**, a process that holds keys and does
//! nothing else.
//!
//! They talk over a Unix socket. The signer lists its public keys and signs what it is given; it has no database and no
//! master key, and the server loads no foreign library. `docs/external-signing.md` describes each message.
//!
//! **Architecture invariant:** this crate does no cryptography. Whoever uses the [`Client`] verifies what it returns.
//!
//! Start reading at [`protocol`] (the messages), then [`Client`] (the side of the server) and [`server`] (that of the signer).

mod client;
mod error;
pub mod frame;
pub mod protocol;
pub mod server;
mod socket;

pub use client::{Client, ClientLimits};
pub use error::SignerError;
pub use protocol::{ListedKey, SignerRefusal, SignerRequest, SignerResponse};

//! A signer for keys in a hardware module, over [PKCS #11](https://docs.oasis-open.org/pkcs11/pkcs11-base/v2.40/pkcs11-base-v2.40.html).
//!
//! The library of the module's manufacturer is loaded here, in the process of `sluicegate signer`, which holds the PIN of
//! one token and nothing else. The private keys never leave the module.
//!
//! **Architecture invariant:** only the command `signer` uses this crate. A server never loads a library.
//!
//! Start reading at [`Token::open`], then [`TokenKeys`], which answers the requests of one connection.

mod forms;
mod keys;
mod token;

pub use keys::TokenKeys;
pub use token::{Token, TokenError};

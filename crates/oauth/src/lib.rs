//! The OAuth 2.0 protocol as pure rules: facts in, decision out.
//!
//! The crate contains the OAuth records, the sealed content of tokens and codes, and one module for each endpoint, with
//! its rules in the order of the specification. The shared vocabulary is in `domain`.
//!
//! **Architecture invariant:** this crate has no async, clock, randomness, environment or I/O. `now` and new
//! ids are arguments, so that table tests can cover the whole protocol. It has no HTTP status and no SQL
//! either: it returns reasons, and the edge turns them into codes.
//!
//! Start reading at [`token_payload`] (what a token is), then [`token`] and [`authorize`] (what may be issued, and
//! why not).

pub mod application;
pub mod authorization_details;
pub mod authorize;
pub mod backchannel;
pub mod certificate;
pub mod client_authentication;
pub mod client_document;
mod client_members;
pub mod client_registration;
pub mod client_type;
pub mod cors;
pub mod data_access;
pub mod destination;
pub mod device;
pub mod dpop;
pub mod error;
pub mod grant;
pub mod introspection;
pub mod json_writer;
pub mod jwt;
pub mod jwt_access_token;
pub mod metadata;
pub mod oidc;
pub mod parameters;
pub mod personal_access_token;
pub mod profile;
pub mod proof;
pub mod protected_resource;
pub mod reachable;
pub mod redirect;
pub mod refresh_expiry;
pub mod refusal;
pub mod registration;
pub mod resource;
pub mod revocation;
pub mod revocation_request;
#[cfg(test)]
mod sample;
pub mod scope;
pub mod signing;
pub mod step_up;
pub mod token;
pub mod token_payload;
pub mod trusted_issuer;
pub mod user_authentication;

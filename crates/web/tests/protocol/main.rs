//! The protocol over HTTP, in process: clients, browsers and attackers against the whole server, with a clock
//! that tests advance. There is one module for each topic; [`client`] contains what every topic needs.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it here")]

mod access_log;
mod ambient;
mod assertions;
mod audit;
mod authorize;
mod back_channel_logout;
mod bearer;
mod client;
mod client_documents;
mod client_keys;
mod code;
mod consent;
mod cors;
mod device;
mod dpop;
mod dpop_nonce;
mod ended_access;
mod error_pages;
mod exchange;
mod fapi;
mod growth;
mod hostile;
mod introspection;
mod jwks;
mod keys;
mod limits;
mod lockout;
mod logout;
mod maintenance;
mod metadata;
mod openid;
mod others;
mod pages;
mod password_change;
mod plain_browser;
mod profile;
mod pushed_requests;
mod rates;
mod refresh;
mod refusals;
mod request_objects;
mod resources;
mod response_modes;
mod revocation;
mod rotation;
mod scopes;
mod sign_in;
mod signed_introspection;
mod signed_responses;
mod signed_tokens;
mod strictness;
mod token;
mod walkthrough;

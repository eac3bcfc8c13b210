//! Who sends a request: sign-in, sessions, bearer tokens, the command line; and the record of what was
//! refused.

pub(crate) mod access_tokens;
pub mod acting;
pub mod activity;
pub mod addresses;
pub mod authentication;
pub mod caller;
pub mod forgotten;
pub mod issued_tokens;
pub(crate) mod letters;
pub mod one_time_links;
pub mod operator;
pub mod personal_access;
pub mod profile;
pub mod refusals;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;

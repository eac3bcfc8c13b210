//! The OAuth endpoints: authorization, token, introspection and revocation.

pub mod authorize;
pub mod client;
pub mod device;
pub mod introspection;
pub mod pushed_requests;
mod signed_access_tokens;
pub mod token;
pub mod token_revocation;

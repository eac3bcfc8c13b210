//! The endpoints of OAuth and OpenID Connect: authorization, token, userinfo, introspection, revocation, logout.

mod access_request;
pub mod attesters;
pub mod authorize;
pub mod backchannel;
pub mod client;
pub(crate) mod client_document;
pub(crate) mod client_keys;
pub mod client_registration;
pub(crate) mod data_access;
pub mod device;
pub(crate) mod id_token_hint;
pub mod introspection;
pub mod logout;
pub mod pushed_requests;
mod rate_limits;
pub mod refusal;
pub(crate) mod request_objects;
mod resources;
pub mod token;
pub mod token_revocation;
pub mod userinfo;

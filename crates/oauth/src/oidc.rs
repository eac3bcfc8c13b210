//! [OpenID Connect Core 1.0](https://openid.net/specs/openid-connect-core-1_0.html) as pure rules: what a request may
//! ask about the person who signs in, what an ID token and the userinfo endpoint say, and how a logout is requested.
//!
//! The authorization code flow is the only one; see `docs/decisions/openid-connect.md`.

pub mod back_channel;
pub mod claims;
pub mod claims_request;
pub mod discovery;
pub mod id_token;
pub mod logout;
pub mod request;
pub mod sector;
pub mod session_state;
pub mod subject;
pub mod userinfo;

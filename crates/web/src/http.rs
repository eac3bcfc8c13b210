//! What requests and responses have in common whatever their endpoint: headers, bodies, cookies, addresses,
//! and who caused a request.

pub(crate) mod attestation;
pub(crate) mod authorization;
pub mod base_path;
pub mod body;
pub mod client_certificate;
pub(crate) mod conditional;
pub mod cookies;
pub(crate) mod database_login;
pub(crate) mod faults;
pub(crate) mod gzip;
pub(crate) mod host;
pub mod initiator;
pub(crate) mod leftover;
pub(crate) mod media_type;
pub mod origin;
pub(crate) mod proof;

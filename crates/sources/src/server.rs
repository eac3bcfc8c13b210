//! What the drivers of database servers share: the options that say where a database is and who reads it, and streams to
//! its server.

mod declared_keys;
mod options;
mod stream;
mod target;
mod tls;

pub use declared_keys::DeclaredKeys;
pub(crate) use declared_keys::{declare_key, refuse_key, unensured_key};
pub use options::ServerOptions;
pub(crate) use options::schema;
pub(crate) use stream::{Stream, lost};
pub(crate) use target::Target;

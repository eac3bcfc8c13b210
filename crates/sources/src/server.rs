//! What the drivers of database servers share: the options that say where a database is and who reads it, and streams to
//! its server.

mod buffered;
mod declared_keys;
mod options;
mod stream;
mod target;
mod tls;

pub(crate) use buffered::{BufferedStream, MAX_KEPT, broken};
pub use declared_keys::DeclaredKeys;
pub(crate) use declared_keys::{declare_key, refuse_key, unensured_key};
pub use options::ServerOptions;
pub(crate) use options::schema;
pub(crate) use stream::{Stream, lost};
pub(crate) use target::ServerTarget;

/// Where the options of a data source of a server send names and passwords, as a text: another text means another place.
pub fn place_of(options: &std::collections::BTreeMap<String, String>) -> String {
    schema::place(options)
}

/// The most characters of the version that a server names.
const LONGEST_VERSION: usize = 64;

/// The version that a server names, as it is shown: one short line.
pub(crate) fn shown_version(named: &str) -> String {
    named.chars().filter(|character| !character.is_control()).take(LONGEST_VERSION).collect()
}

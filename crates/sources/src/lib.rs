//! Data-source drivers: read a schema, run a statement, stream bytes.
//!
//! A [`Source`] is a database of a user, opened read-only unless something is to be [changed](Source::change). It describes itself as an [`odata::model::Schema`]
//! and runs [`odata::statement::Statement`]s. Short reads run [inline](Source::inline) on the caller's thread,
//! because handing them to another thread costs more than the read; longer ones run as a
//! [stream](Source::stream) of encoded chunks from a bounded set of worker threads. Rows are passed as
//! borrowed cells, and nothing is copied before it is encoded.
//!
//! This crate must not know HTTP, users, tokens or the system database. [`SourceKinds`] lists the kinds of database
//! with their [`options`]: start reading there, then in [`sqlite`].

mod approval;
mod budget;
mod certificates;
mod chunks;
mod deadline;
mod described;
pub mod documents;
pub mod driver;
mod error;
mod executor;
mod folders;
mod hosts;
mod kind;
mod kinds;
mod limits;
mod login;
pub mod mysql;
pub mod options;
mod own_tables;
pub mod postgres;
mod registry;
mod request_user;
mod resources;
mod row;
mod run;
pub mod server;
mod source;
pub mod sqlite;
mod stop;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod url;
mod workers;

pub use approval::CommitApproval;
pub use budget::ConnectionBudget;
pub use chunks::{ChunkSink, Chunks, Pace, Stopper};
pub use deadline::Deadline;
pub use described::{Described, Examined, SchemaVersion};
pub use error::{BrokenRule, CertificateFault, SourceError, Violation};
pub use executor::Executor;
pub use folders::AllowedFolders;
pub use hosts::{AllowedHosts, Connector, HostRule, HostRuleError, Resolve};
pub use kind::{Locations, SourceKind};
pub use kinds::{MysqlKind, PostgresKind, SourceKinds, SourceSpec, SqliteKind};
pub use limits::Limits;
pub use login::{Login, LoginAttempts, UserLogin, UserLogins};
pub use registry::Sources;
pub use request_user::RequestUser;
pub use resources::Resources;
pub use row::{RowReader, SourceRow};
pub use run::{Ended, Ran, Run};
pub use source::{InlineReads, Source};
pub use url::with_url_taken_apart;

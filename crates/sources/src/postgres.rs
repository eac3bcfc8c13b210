//! Databases of PostgreSQL servers, read-only.
//!
//! The driver speaks the protocol of PostgreSQL itself: the messages and the sign-in come from the crate that
//! `tokio-postgres` is built on. Rows go from the buffer of the connection to the consumer without a copy, no row or
//! value is buffered before its length is known, a server that sends faster than the client reads is held back by its
//! socket, and no statement has a name, so that a pooler in transaction mode may stand in between.
//!
//! `sign_in` signs in, `connection` runs statements, `cells` reads the binary form of values, `describe` and `version`
//! read the structure.

mod cells;
mod connection;
mod describe;
mod driver;
mod failure;
mod interrupt;
mod numeric;
mod oid;
mod options;
mod parameters;
mod sign_in;
mod startup;
mod user_roles;
mod version;
mod wire;

pub use self::driver::PostgresDriver;
pub use self::options::{PostgresOptions, STORE};

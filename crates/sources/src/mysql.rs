//! Databases of MySQL and MariaDB servers, read-only.
//!
//! The driver speaks the client/server protocol of MySQL itself, as far as a reader needs it: it signs in, prepares
//! statements, sends parameters and reads rows in the binary form. Rows go from the buffer of the connection to the
//! consumer without a copy, no row or value is buffered before its length is known, and a server that sends faster than the
//! client reads is held back by its socket. There is no code that sends a file, whatever a server asks for.
//!
//! `sign_in` signs in, `connection` runs statements, `cells` reads the binary form of values, `describe` and `version` read
//! the structure.

mod cells;
mod commands;
mod connection;
mod dates;
mod describe;
mod driver;
mod failure;
mod fields;
mod greeting;
mod options;
mod parameters;
mod passwords;
mod prepared;
mod session;
mod sign_in;
mod version;
mod wire;

#[cfg(any(test, fuzzing))]
pub use self::cells::read_anything;
pub use self::driver::MysqlDriver;
pub use self::options::STORE;
pub(crate) use self::options::read as options;

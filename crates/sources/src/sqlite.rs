//! SQLite database files.
//!
//! Short reads run inline, on the caller's thread: `pool` has a few connections for them, each in a slot behind
//! its own lock; a thread returns to the same slot, so there is no contention. Everything else goes through the
//! driver. `file` and `connection` open connections, `schema` and `declared` read the structure.

mod cell;
mod checked;
mod compiled;
mod connection;
mod declared;
mod defaults;
mod driver;
mod failure;
mod file;
mod functions;
mod identifier;
mod inline;
mod keys;
mod options;
mod own;
mod pool;
mod probe;
mod quicker;
mod schema;
mod statement;
mod storage;
mod survey;

pub use self::inline::{Inline, SqliteSource};
pub use self::options::{Declarations, Forms, Keys, STORE, SqliteOptions};

#[cfg(test)]
mod tests;

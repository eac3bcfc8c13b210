//! The dialects of servers on real ones: random requests give what the standard says, and an index serves what it can.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod conversions;
mod database;
mod decimal;
mod derived;
mod driver;
mod mysql;
mod oracle;
mod postgres;
mod random;
mod related;
mod requests;
mod rows;
mod ruled;
mod search;
mod sqlite;

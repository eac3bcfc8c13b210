//! The dialect of PostgreSQL on a real server: random requests give what the standard says, and an index serves what it
//! can.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod cells;
mod database;
mod decimal;
mod indexes;
mod oracle;
mod requests;
mod rows;
mod same_answers;
mod values;

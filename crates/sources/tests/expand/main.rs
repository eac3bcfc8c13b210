//! `$expand`, cross joins, and navigation in expressions on all kinds of database: random requests give what an evaluator in Rust says, whatever the bounds
//! of pages and of memory are.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

mod client;
mod condition;
mod conditions_hold;
mod cross_joins;
mod oracle;
mod random_requests;
mod tables;
mod wanted;

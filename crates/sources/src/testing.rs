//! What tests of drivers share; production carries none of it.
//!
//! [`conformance`] states what every driver must do, [`FakeDatabase`] is a database server for tests, and
//! [`Lines`] is a job that writes rows as text.

pub mod conformance;
mod connection;
mod fake;
mod lines;
mod server;

pub use fake::{FAKE, FakeKind};
pub use lines::Lines;
pub use server::FakeDatabase;

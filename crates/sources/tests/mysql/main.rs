//! Tests of the driver with a real server of MariaDB, and with one that follows a script.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

mod conforms;
mod describing;
mod encrypted;
mod failures;
mod fixture;
mod scripted;
mod values;

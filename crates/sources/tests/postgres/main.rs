//! Tests of the driver with a real server.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

mod conforms;
mod describing;
mod encrypted;
mod failures;
mod fixture;
mod pooled;
mod scripted;
mod values;

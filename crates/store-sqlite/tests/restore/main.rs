//! Tests of backups, and of the rule that restoring one never brings back revoked access.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

mod backups;
mod carrying;
mod distrust;
mod exchange;
mod further;
mod handovers;
mod revoked;
mod stage;

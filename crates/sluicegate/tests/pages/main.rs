//! The pages as people meet them: the real binary, and headless Chromium with and without scripts.
//!
//! `cargo xtask test` installs Chromium and axe-core and says where they lie; without them these tests fail, they are not
//! skipped. Start reading at [`browser`], then [`gallery`], which brings every page before the eye in turn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod chromium;
mod gallery;
mod stage;

mod accessibility;
mod demo;
mod flow;
mod framing;
mod journeys;
mod keyboard;

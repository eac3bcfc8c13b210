//! The pages as people use them: the real binary, and headless Chromium with and without scripts.
//!
//! `cargo xtask test` installs Chromium and axe-core and passes their location; without them these tests fail
//! rather than being skipped. Start reading at [`browser`], then [`gallery`], which opens every page in turn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod chromium;
mod gallery;
mod stage;

mod accessibility;
mod below_a_path;
mod demo;
mod flow;
mod framing;
mod in_view;
mod journeys;
mod keyboard;
mod session_frame;

//! OData V4 from URL to SQL text and from cells to JSON, as pure functions.
//!
//! The path of a read: text ([`url`]) → syntax tree ([`syntax`]) → bound to the source's [`model`] → [`plan`] →
//! [`statement`] (SQL text and parameters, per [`sql::Dialect`]) → rows encoded straight into bytes ([`encode`]).
//! [`plan::prepare`] goes all the way; start reading there. This crate knows nothing of HTTP, clocks, databases or
//! users; whoever runs a [`statement::Statement`] hands its cells back as [`cell::Cell`]s.

mod bind;
pub mod cell;
pub mod csdl;
mod duration;
pub mod encode;
pub mod error;
pub mod form;
pub mod format;
mod hash;
mod hint;
mod identifier;
pub mod instant;
mod literal;
pub mod model;
pub mod plan;
pub mod position;
pub mod service_document;
pub mod sql;
pub mod statement;
pub mod syntax;
pub mod url;

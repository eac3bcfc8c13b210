//! OData V4, from a URL to SQL text and from cells to JSON, as pure functions.
//!
//! A read goes through these steps: text ([`url`]) → syntax tree ([`syntax`]) → tree of nodes, bound to the
//! source's [`model`] → [`statement`] (SQL text and parameters, for a [`sql::Dialect`]) → rows, encoded
//! directly as bytes ([`encode`]). [`plan::prepare`] performs all steps before the read; start reading there.
//! A change goes from a URL and a body to statements that insert, update or delete rows; start at [`change::prepare`].
//! This crate knows nothing of HTTP, clocks, databases or users; the code that runs a
//! [`statement::Statement`] returns its cells as [`cell::Cell`]s.

pub mod address;
mod aggregation_method;
mod bind;
pub mod cell;
pub mod change;
pub mod csdl;
mod duration;
pub mod edm_type;
pub mod encode;
pub mod entity_tag;
pub mod error;
pub mod expansion;
pub mod form;
pub mod format;
mod hash;
mod hint;
mod identifier;
pub mod instant;
mod literal;
pub mod model;
pub mod named_members;
pub mod plan;
pub mod position;
pub mod rules;
pub mod service_document;
pub mod sql;
pub mod statement;
pub mod syntax;
mod tree;
pub mod url;

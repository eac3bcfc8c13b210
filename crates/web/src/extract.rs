//! Extractors of the management API. Each refuses with a [`ManagementProblem`] in the envelope.
//!
//! A handler lists them in this order: [`Authenticated`] first, so that nobody learns anything without
//! credentials, then [`Path`]s and [`QueryParameters`], and [`JsonBody`] last.
//!
//! [`ManagementProblem`]: crate::respond::management::ManagementProblem

mod authenticated;
mod json_body;
mod origin;
mod path;
mod query;
mod service;

pub use authenticated::Authenticated;
pub use json_body::JsonBody;
pub use path::Path;
pub use query::QueryParameters;
pub use service::Use;

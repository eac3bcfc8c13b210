//! The management API: applications, users, roles, data sources, limits and the audit log.

pub mod administration;
pub mod allow_lists;
pub mod allowed;
pub mod applications;
pub mod audit;
pub mod data_sources;
pub mod global_revocation;
pub mod initial_access_tokens;
pub mod limits;
pub mod lists;
pub mod mail;
pub mod personal_access_tokens;
pub mod roles;
pub mod scopes;
pub mod sessions;
pub mod trusted_issuers;
pub mod trusted_origins;
pub mod users;

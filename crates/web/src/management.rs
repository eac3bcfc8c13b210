//! The management API: `/api/mgmt` and `/api/admin`. There is one module for each noun.

pub(crate) mod acting;
pub(crate) mod allow_lists;
pub(crate) mod allowed;
pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod data_sources;
pub(crate) mod data_stores;
pub(crate) mod initial_access_tokens;
mod key_set;
pub(crate) mod limits;
mod list;
pub(crate) mod mail;
pub(crate) mod permissions;
pub(crate) mod personal_access_tokens;
mod refusal;
pub(crate) mod resource_servers;
pub(crate) mod revocations;
pub(crate) mod roles;
pub(crate) mod trusted_issuers;
pub(crate) mod trusted_origins;
pub(crate) mod users;

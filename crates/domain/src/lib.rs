//! The vocabulary that every other crate shares: users with their roles and permissions, ids, time, names, secrets, limits,
//! the words of the audit log, and the records of data sources.
//!
//! **Architecture invariant:** no async, clock, randomness, environment or I/O, no HTTP and no SQL. Nothing here knows
//! OAuth or OData.

pub mod account;
pub mod address_range;
pub mod allow_list;
pub mod audit;
pub mod built_in_users;
pub mod characters;
pub mod fold;
pub mod handover;
pub mod id;
pub mod limit;
pub mod mail;
pub mod secret;
pub mod special_use;
pub mod text;
pub mod time;

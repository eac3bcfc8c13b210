//! What runs on each node: clock, caches, change feed, rate limits, metrics, keys, maintenance, settings.

pub mod audit_throttle;
pub mod clock;
pub mod entity_cache;
pub mod feed;
pub mod keys;
pub mod lifetimes;
pub mod maintenance;
pub mod metrics;
pub mod rates;
pub mod refusal_reason;
pub mod restore;
pub mod revocations;
pub mod settings;
pub mod setup;
pub mod usage;

//! Tests of `/api/odata4` and `/mcp`, from a client's request to the bytes of the response.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it must be")]

mod access;
mod alike;
mod authorization_details;
mod batch;
mod capabilities;
mod changes;
mod clients;
mod cross_joins;
mod databases;
mod expand;
mod failures;
mod fixture;
mod groups;
mod issued_tokens;
mod limits;
mod masks;
mod mcp;
mod metadata_of_resources;
mod models;
mod mysql;
mod paging;
mod personal_access_tokens;
mod planning;
mod postgres;
mod protocol;
mod records;
mod related_rules;
mod resources;
mod rows_alone;
mod rules;
mod server_source;
mod user_credentials;
mod user_roles;
mod weak_links;
mod withdrawal;

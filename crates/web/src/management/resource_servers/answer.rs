//! The wire form of a resource server.

use oauth::scope::{BUILT_IN_SERVER, ResourceServer};
use serde::Serialize;

use crate::respond::management::rfc3339;

/// A resource server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceServerResponse {
    id: i64,
    identifier: String,
    name: String,
    built_in: bool,
    created_at: String,
    updated_at: String,
}

impl From<ResourceServer> for ResourceServerResponse {
    fn from(server: ResourceServer) -> Self {
        Self {
            id: server.id.get(),
            identifier: server.identifier,
            name: server.name,
            built_in: server.id == BUILT_IN_SERVER,
            created_at: rfc3339(server.created_at),
            updated_at: rfc3339(server.updated_at),
        }
    }
}

/// A list of resource servers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceServerList {
    pub(super) resource_servers: Vec<ResourceServerResponse>,
}

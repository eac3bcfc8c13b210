//! The wire form of an allowed application.

use app::management::allowed::{AllowedApplication as Allowed, ReachedData, ReachedSource};
use oauth::scope::ScopeRegistry;
use serde::Serialize;

/// An application that a user has allowed; Hybrid Data Pipeline's members come first, then ours.
#[derive(Serialize)]
pub(super) struct AllowedApplication {
    id: i64,
    name: String,
    scopes: Vec<String>,
    #[serde(flatten)]
    data: Option<Data>,
}

/// The data that an access reaches.
#[derive(Serialize)]
pub(in crate::management) struct Data {
    #[serde(rename = "dataSources", skip_serializing_if = "Vec::is_empty")]
    sources: Vec<Source>,
    #[serde(rename = "unavailableDataSources", skip_serializing_if = "is_zero")]
    unavailable: usize,
    #[serde(rename = "laterDataSources")]
    later: bool,
    #[serde(rename = "exceptDataSources", skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    #[serde(rename = "changeableDataSources", skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
}

#[derive(Serialize)]
struct Source {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entities: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl AllowedApplication {
    /// The response about what a user has allowed; the registry names the scopes.
    pub(super) fn new(row: Allowed, registry: &ScopeRegistry) -> Self {
        let Allowed { allowed, data, login_address: _ } = row;
        Self {
            id: allowed.application.get(),
            scopes: registry.names(&allowed.scopes),
            name: allowed.name,
            data: data.map(Data::from),
        }
    }
}

impl From<ReachedData> for Data {
    fn from(reached: ReachedData) -> Self {
        let shown = |ReachedSource { name, entities }| Source { name, entities };
        Self {
            sources: reached.sources.into_iter().map(shown).collect(),
            unavailable: reached.unavailable,
            later: reached.later,
            except: reached.except,
            changes: reached.changes,
        }
    }
}

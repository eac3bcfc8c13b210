//! The resource servers for which an application introspects, which only Administrators set.

use super::{ApplicationPayload, Findings, RegistrationContext};
use domain::account::Permission;

/// The maximum number of resource servers.
const MOST: usize = 20;

const FIELD: &str = "introspectionAudiences";

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> Vec<String> {
    let existing = context.existing.map(|existing| existing.client_metadata.introspection_audiences.clone());
    let existing = existing.unwrap_or_default();
    let Some(asked) = payload.introspection_audiences.as_ref().filter(|asked| **asked != existing) else {
        return existing;
    };
    if !context.permissions.contains(&Permission::Administrator) {
        findings.forbid(FIELD, "may be set only by an Administrator");
        return existing;
    }
    if asked.len() > MOST {
        findings.fault(FIELD, format!("has more than {MOST} elements"));
    }
    let is_registered =
        |identifier: &String| context.scopes.servers().iter().any(|server| server.identifier == *identifier);
    for (at, identifier) in asked.iter().enumerate().take(MOST) {
        // One that was registered when it was set may have been deleted since.
        if !is_registered(identifier) && !existing.contains(identifier) {
            let message = "must be the identifier of a resource server, as `resource-server list` shows it";
            findings.fault(format!("{FIELD}[{at}]"), message);
        }
    }
    let mut distinct: Vec<String> = Vec::with_capacity(asked.len());
    for identifier in asked {
        if !distinct.contains(identifier) {
            distinct.push(identifier.clone());
        }
    }
    distinct
}

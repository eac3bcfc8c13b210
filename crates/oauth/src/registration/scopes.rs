//! The scopes of an application.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::scope::{Assignment, BuiltInScope, MOST_SCOPES_OF_APPLICATION, Scope, ScopeRegistry, ScopeSet};

/// The maximum number of scopes that a fault lists.
const MOST_LISTED: usize = 20;

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> ScopeSet {
    let existing = context.existing.map(|existing| &existing.scopes);
    let Some(names) = &payload.scopes else {
        return existing.cloned().unwrap_or_else(|| BuiltInScope::OData.into());
    };
    let mut ids = Vec::new();
    for (at, name) in names.iter().enumerate().take(MOST_SCOPES_OF_APPLICATION) {
        let field = format!("scopes[{at}]");
        match context.scopes.named(name.trim()) {
            Err(_) => findings.fault(field, known(context.scopes)),
            Ok(scope) if may_give(scope, existing, context) => ids.push(scope.id),
            Ok(scope) => findings.forbid(field, reserved(scope)),
        }
    }
    match names.len() {
        0 => findings.fault("scopes", "must name at least one scope"),
        count if count > MOST_SCOPES_OF_APPLICATION => {
            let message = format!("names {count} scopes; at most {MOST_SCOPES_OF_APPLICATION} are allowed");
            findings.fault("scopes", message);
        }
        _ => {}
    }
    ids.into_iter().collect()
}

/// Scopes that somebody with the right to it has assigned before may be kept.
fn may_give(scope: &Scope, existing: Option<&ScopeSet>, context: RegistrationContext<'_>) -> bool {
    scope.assignment.is_open_to(context.permissions)
        || existing.is_some_and(|scopes| scopes.contains_id(scope.id))
}

fn reserved(scope: &Scope) -> String {
    match scope.assignment {
        Assignment::ADMINISTRATORS | Assignment::Anyone => {
            format!("is {}, which only an Administrator may assign", scope.name)
        }
        Assignment::Permission(needed) => {
            format!("is {}, which only users with the permission {} may assign", scope.name, needed.as_str())
        }
    }
}

fn known(registry: &ScopeRegistry) -> String {
    let scopes = registry.scopes();
    if scopes.len() > MOST_LISTED {
        return "must be the name of a scope; scopes_supported of the metadata lists them".to_owned();
    }
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    format!("must be one of {}", names.join(", "))
}

//! The scopes of an application.

use super::{ApplicationPayload, Findings, RegistrationContext, Sender};
use crate::scope::{BuiltInScope, ScopeSet};

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> ScopeSet {
    let existing = context.existing.map(|existing| existing.scopes);
    let Some(names) = &payload.scopes else { return existing.unwrap_or(BuiltInScope::OData.into()) };
    let mut scopes = ScopeSet::EMPTY;
    for (at, name) in names.iter().enumerate() {
        let field = format!("scopes[{at}]");
        match name.trim().parse::<BuiltInScope>() {
            Err(_) => findings.fault(field, known()),
            Ok(scope) if may_give(scope, existing, context.sender) => scopes = scopes.union(scope.into()),
            Ok(scope) => {
                findings.forbid(field, format!("is {scope}, which only an Administrator may assign"));
            }
        }
    }
    if names.is_empty() {
        findings.fault("scopes", "must name at least one scope");
    }
    scopes
}

/// Scopes that an Administrator has assigned before may be kept.
fn may_give(scope: BuiltInScope, existing: Option<ScopeSet>, sender: Sender) -> bool {
    scope == BuiltInScope::OData
        || sender == Sender::Administrator
        || existing.is_some_and(|scopes| scopes.contains(scope))
}

fn known() -> String {
    let names: Vec<&str> = BuiltInScope::ALL.iter().map(|scope| scope.as_str()).collect();
    format!("must be one of {}", names.join(", "))
}

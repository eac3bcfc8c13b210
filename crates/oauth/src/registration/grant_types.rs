//! The grant types of an application.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ClientType, GivenBy, GrantType, Inherited, Profile};
use domain::account::Permission;

const FIELD: &str = "grantTypes";

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    profile: Profile,
    client_type: ClientType,
    findings: &mut Findings,
) -> Vec<GrantType> {
    let mut grant_types = match (&payload.grant_types, context.existing) {
        (Some(names), _) => named(names, findings),
        (None, Some(existing)) => existing.grant_types.clone(),
        (None, None) => default_of(profile, client_type),
    };
    grant_types.sort_unstable();
    grant_types.dedup();
    let is_named = payload.grant_types.is_some();
    grant_types.retain(|grant_type| {
        let mut is_kept = true;
        for barrier in grant_type.barriers(profile, client_type) {
            is_kept = false;
            if is_named || barrier.inherited == Inherited::Fault {
                findings.fault(FIELD, barrier.fault);
            }
        }
        if is_kept && !may_have(*grant_type, context) {
            findings.forbid(
                FIELD,
                format!("names {}, which only an Administrator may give", grant_type.as_str()),
            );
        }
        if let Some(warning) = grant_type.rules().warning.filter(|_| is_kept && is_named) {
            findings.warn(FIELD, warning);
        }
        is_kept
    });
    grant_types
}

/// Whether the sender may register the grant type: an application keeps what an Administrator has given it.
fn may_have(grant_type: GrantType, context: RegistrationContext<'_>) -> bool {
    grant_type.rules().given_by != GivenBy::Administrator
        || context.existing.is_some_and(|existing| existing.grant_types.contains(&grant_type))
        || context.permissions.contains(&Permission::Administrator)
}

fn default_of(profile: Profile, client_type: ClientType) -> Vec<GrantType> {
    let is_default = |grant_type: &GrantType| {
        grant_type.rules().given_by == GivenBy::Default
            && grant_type.barriers(profile, client_type).next().is_none()
    };
    GrantType::ALL.into_iter().filter(is_default).collect()
}

fn named(names: &[String], findings: &mut Findings) -> Vec<GrantType> {
    if names.is_empty() {
        findings.fault(FIELD, "must name at least one grant type");
    }
    let mut grant_types = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match GrantType::find(name.trim()) {
            Some(grant_type) => grant_types.push(grant_type),
            None => findings.fault(format!("{FIELD}[{at}]"), must_be_known()),
        }
    }
    grant_types
}

fn must_be_known() -> String {
    let names = GrantType::ALL.map(GrantType::as_str);
    let (last, others) = names.split_last().expect("the table is not empty");
    format!("must be {} or {last}", others.join(", "))
}

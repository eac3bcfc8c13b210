//! The policy for the token exchange, which only Administrators set: by it an application uses tokens that users gave
//! to others.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::TokenExchangePolicy;
use crate::resource;
use domain::account::Permission;
use domain::id::ClientId;

/// The maximum number of elements of each list.
const MOST: usize = 20;

const FIELD: &str = "tokenExchange";

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> Option<TokenExchangePolicy> {
    let existing = context.existing.and_then(|existing| existing.client_metadata.token_exchange.clone());
    let Some(asked) = &payload.token_exchange else { return existing };
    if asked.is_off() && *asked != TokenExchangePolicy::default() {
        let message =
            "allows nothing: set impersonation or delegation to true, or give {} to remove the policy";
        findings.fault(FIELD, message);
        elements_are_valid(asked, context, findings);
        return existing;
    }
    let asked = (!asked.is_off()).then(|| asked.clone());
    if asked == existing {
        return existing;
    }
    if !context.permissions.contains(&Permission::Administrator) {
        findings.forbid(FIELD, "may be set only by an Administrator");
        return existing;
    }
    if let Some(policy) = &asked {
        elements_are_valid(policy, context, findings);
        if policy.clients.is_empty() {
            findings.fault(format!("{FIELD}.clients"), "must name the clients whose tokens it may exchange");
        }
    }
    asked
}

fn elements_are_valid(
    policy: &TokenExchangePolicy,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) {
    let lists = [("clients", &policy.clients), ("scopes", &policy.scopes), ("resources", &policy.resources)];
    for (name, list) in lists {
        if list.len() > MOST {
            findings.fault(format!("{FIELD}.{name}"), format!("has more than {MOST} elements"));
        }
        for (at, element) in list.iter().enumerate().take(MOST) {
            let fault = match name {
                "clients" => element
                    .parse::<ClientId>()
                    .is_err()
                    .then_some("must be a client id, as `application list` shows it"),
                "scopes" => context.scopes.named(element).is_err().then_some("must be the name of a scope"),
                _ => resource::normal_form(element)
                    .is_none()
                    .then_some("must be an absolute URL without a fragment, of at most 512 bytes"),
            };
            if let Some(message) = fault {
                findings.fault(format!("{FIELD}.{name}[{at}]"), message);
            }
        }
    }
}

//! The origins of an application's web pages besides those of its redirect URLs.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::Profile;
use crate::cors::OriginPattern;

const MOST: usize = 50;

pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    profile: Profile,
    findings: &mut Findings,
) -> Vec<String> {
    let unchanged = context.existing.map(|existing| &existing.cors_origins);
    let Some(origins) = payload.cors_origins.as_ref().or(unchanged) else { return Vec::new() };
    if origins.len() > MOST {
        findings.fault("corsOrigins", format!("has {} entries; at most {MOST} are allowed", origins.len()));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    for (at, text) in origins.iter().enumerate() {
        let field = format!("corsOrigins[{at}]");
        match text.trim().parse::<OriginPattern>().and_then(OriginPattern::single) {
            Err(fault) => findings.fault(field, fault.to_string()),
            Ok(origin) if origin.is_plain_http() && !profile.rules().plain_http => {
                findings.fault(field, "must be https; plain http is for this machine only (localhost)");
            }
            Ok(origin) => {
                if origin.is_plain_http() {
                    findings.warn(field, "is plain http: an attacker on the network can change its pages");
                }
                if !kept.contains(&origin.to_string()) {
                    kept.push(origin.to_string());
                }
            }
        }
    }
    kept
}

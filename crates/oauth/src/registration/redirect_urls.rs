//! The redirect URLs of an application.

use super::{ApplicationPayload, Findings};
use crate::application::{GrantType, Profile};
use crate::redirect::{self, AllowedSchemes};

const MOST: usize = 50;

pub(super) fn decide(
    payload: &ApplicationPayload,
    (profile, schemes): (Profile, AllowedSchemes<'_>),
    grant_types: &[GrantType],
    findings: &mut Findings,
) -> Vec<String> {
    let urls = payload.redirect_urls.as_deref().unwrap_or_default();
    if urls.is_empty() && grant_types.contains(&GrantType::AuthorizationCode) {
        findings.fault("redirectUrls", "must name at least one URL for the grant type authorization_code");
    }
    if urls.len() > MOST {
        findings.fault("redirectUrls", format!("has {} entries; at most {MOST} are allowed", urls.len()));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    for (at, url) in urls.iter().enumerate() {
        let (field, url) = (format!("redirectUrls[{at}]"), url.trim());
        match redirect::may_be_registered(url, profile, schemes) {
            Ok(warning) => {
                if let Some(warning) = warning {
                    findings.warn(field, warning.to_string());
                }
                if !kept.iter().any(|other| other == url) {
                    kept.push(url.to_owned());
                }
            }
            Err(fault) => findings.fault(field, fault.to_string()),
        }
    }
    kept
}

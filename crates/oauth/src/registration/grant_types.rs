//! The grant types of an application.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ClientType, GrantType, Profile};

/// [RFC 9700 §2.4](https://www.rfc-editor.org/rfc/rfc9700#section-2.4).
const PASSWORD_WARNING: &str = "holds password, by which the application learns its users' passwords; leave it out unless \
    a client cannot open a browser";

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
    if profile == Profile::OAuth21 && grant_types.contains(&GrantType::Password) {
        findings.fault("grantTypes", "must not name password in profile oauth21");
    }
    let names_password = grant_types.contains(&GrantType::Password);
    match client_type {
        ClientType::Public if names_password && payload.grant_types.is_some() => {
            findings.fault("grantTypes", "must not name password for a public application");
        }
        ClientType::Public => grant_types.retain(|grant_type| *grant_type != GrantType::Password),
        ClientType::Confidential if names_password => findings.warn("grantTypes", PASSWORD_WARNING),
        ClientType::Confidential => {}
    }
    if client_type == ClientType::Public && grant_types.contains(&GrantType::ClientCredentials) {
        findings.fault(
            "grantTypes",
            "must not name client_credentials for a public application, which has no secret",
        );
    }
    grant_types
}

/// `client_credentials` must be requested explicitly. Confidential applications of the profile `compatible`
/// have the password grant by default, because Hybrid Data Pipeline documents it.
fn default_of(profile: Profile, client_type: ClientType) -> Vec<GrantType> {
    match (profile, client_type) {
        (Profile::Compatible, ClientType::Confidential) => {
            vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Password]
        }
        (Profile::OAuth21, _) | (_, ClientType::Public) => {
            vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
        }
    }
}

fn named(names: &[String], findings: &mut Findings) -> Vec<GrantType> {
    if names.is_empty() {
        findings.fault("grantTypes", "must name at least one grant type");
    }
    let mut grant_types = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match GrantType::ALL.into_iter().find(|known| known.as_str() == name.trim()) {
            Some(grant_type) => grant_types.push(grant_type),
            None => findings.fault(
                format!("grantTypes[{at}]"),
                "must be authorization_code, refresh_token, password or client_credentials",
            ),
        }
    }
    grant_types
}

use super::*;
use crate::application::GrantType;
use crate::sample::{NOW, client, device_authorization, pairs};
use crate::scope::BuiltInScope;

#[test]
fn a_device_asks_for_scopes_of_its_registration() {
    let registry = ScopeRegistry::built_in();
    let parse = |given: &[(&str, &str)]| DeviceRequest::parse(&pairs(given), &client(|_| {}), &registry);
    assert_eq!(parse(&[]).unwrap().scopes, BuiltInScope::OData.into());
    assert_eq!(parse(&[("scope", "api.access.odata")]).unwrap().scopes, BuiltInScope::OData.into());
    assert_eq!(parse(&[("scope", "api.mgmt")]), Err(Refusal::ScopeNotRegistered));
    assert_eq!(parse(&[("scope", "x")]), Err(Refusal::ScopeUnknown));
}

#[test]
fn an_application_that_is_not_registered_for_device_codes_gets_none() {
    let unregistered = client(|settings| settings.grant_types.retain(|kind| *kind != GrantType::DeviceCode));
    let parsed = DeviceRequest::parse(&pairs(&[]), &unregistered, &ScopeRegistry::built_in());
    assert_eq!(parsed, Err(Refusal::GrantTypeNotRegistered(GrantType::DeviceCode.as_str())));
}

#[test]
fn a_user_code_leads_to_a_request_that_is_open() {
    let open = device_authorization();
    assert_eq!(find_open(Some(open.clone()), NOW), Ok(open.clone()));
    assert_eq!(find_open(None, NOW), Err(UserCodeRefusal::Unknown));
    assert_eq!(find_open(Some(open.clone()), open.expires_at), Err(UserCodeRefusal::Expired));
    let denied = DeviceAuthorization { decision: UserDecision::Denied, ..open };
    assert_eq!(find_open(Some(denied), NOW), Err(UserCodeRefusal::Decided));
}

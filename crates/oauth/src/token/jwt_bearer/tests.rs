//! Tests of what an assertion gives.

use domain::secret::AssertionText;
use domain::time::Timestamp;

use super::*;
use crate::sample;
use crate::trusted_issuer::Subject;

fn accepted(scopes: Option<&[&str]>) -> AcceptedAssertion {
    AcceptedAssertion {
        subject: Subject::Name("zoe".to_owned()),
        id: Some("1".to_owned()),
        remembered_until: Timestamp::from_secs(0),
        resources: Vec::new(),
        scopes: scopes.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

fn decided(
    wanted: Option<BuiltInScope>,
    given: Option<&[&str]>,
    issuer: &IssuerSettings,
    user: Option<&User>,
) -> Result<GrantDecision, Refusal> {
    let registered: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let client = sample::client(|settings| settings.scopes = registered);
    let request = JwtBearer { assertion: AssertionText::new("a"), scopes: wanted.map(ScopeSet::from) };
    let facts = Facts {
        client: &client,
        accepted: &accepted(given),
        issuer,
        user,
        scopes: &ScopeRegistry::built_in(),
        lifetime_limit_secs: 3_600,
    };
    decide(&request, facts)
}

#[test]
fn scopes_are_those_that_everybody_allows() {
    let user = sample::user(7);
    let open = IssuerSettings::default();
    let narrow = IssuerSettings { scopes: vec!["api.access.odata".to_owned()], ..IssuerSettings::default() };
    let (data, management) = (BuiltInScope::OData, BuiltInScope::Management);
    for (wanted, given, issuer, expected) in [
        (None, None, &open, Some(data)),
        (None, Some(&["api.mgmt", "other"][..]), &open, Some(management)),
        (Some(management), None, &open, Some(management)),
        (Some(management), Some(&["api.access.odata"][..]), &open, None),
        (None, Some(&["api.mgmt"][..]), &narrow, None),
        (None, Some(&["api.mgmt", "api.access.odata"][..]), &narrow, Some(data)),
        (None, Some(&[][..]), &open, None),
    ] {
        let scopes = decided(wanted, given, issuer, Some(&user)).map(|decision| decision.scopes);
        let expected = expected.map(ScopeSet::from).ok_or(Refusal::GrantAssertionWithoutScope);
        assert_eq!(scopes, expected, "{wanted:?} {given:?}");
    }
}

#[test]
fn the_grant_has_no_refresh_token_and_needs_an_active_user() {
    let user = sample::user(7);
    let open = IssuerSettings::default();
    let decision = decided(None, None, &open, Some(&user)).unwrap();
    assert_eq!(
        (decision.user, decision.refreshable, decision.origin),
        (user.id, false, GrantOrigin::Assertion)
    );
    let inactive = User { active: false, ..user };
    for user in [None, Some(&inactive)] {
        assert_eq!(decided(None, None, &open, user), Err(Refusal::GrantAssertionOfUnknownUser));
    }
}

#[test]
fn resources_are_those_that_the_issuer_may_name() {
    let url = "https://gate.example";
    let narrow =
        IssuerSettings { resources: vec![format!("{url}/api/odata4/")], ..IssuerSettings::default() };
    let allowed = |resource: &str, issuer: &IssuerSettings| {
        resources_are_allowed(&[resource.to_owned()], issuer, url).is_ok()
    };
    assert!(allowed("https://gate.example/api/odata4/a", &narrow));
    assert!(allowed("https://gate.example/api/odata4", &narrow));
    assert!(!allowed("https://gate.example", &narrow));
    assert!(!allowed("https://gate.example/api/odata4x", &narrow));
    assert!(allowed("https://gate.example", &IssuerSettings::default()));
    assert!(!allowed("https://other.example", &IssuerSettings::default()));
}

use super::*;
use crate::application::{ClientType, Profile};
use crate::refusal::ParameterFault;
use crate::sample::{client, pairs, settings, user};
use crate::user_authentication::SignInDetails;
use domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
use crate::scope::BuiltInScope;

fn parsed(given: &[(&str, &str)], client: &AuthenticatedClient) -> Result<TokenRequest, Refusal> {
    TokenRequest::parse(&pairs(given), client, &ScopeRegistry::built_in())
}

fn refused(given: &[(&str, &str)], client: &AuthenticatedClient) -> Refusal {
    parsed(given, client).unwrap_err()
}

fn missing(name: &'static str) -> Refusal {
    Refusal::Parameter { name, fault: ParameterFault::Missing }
}

#[test]
fn the_requests_of_the_specification_are_parsed() {
    // RFC 6749 §4.1.3, §4.3.2, §4.4.2, §6
    let client = client(|_| {});
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "SplxlOBeZQQYbYS6WxSbIA"),
        ("redirect_uri", "https://client.example.com/cb"),
    ];
    let TokenRequest::AuthorizationCode(exchange) = parsed(&code, &client).unwrap() else { panic!() };
    assert_eq!(exchange.code.expose(), "SplxlOBeZQQYbYS6WxSbIA");
    assert_eq!(exchange.redirect_uri.as_deref(), Some("https://client.example.com/cb"));
    let password = [("grant_type", "password"), ("username", "johndoe"), ("password", "A3ddj3w")];
    let TokenRequest::Password(request) = parsed(&password, &client).unwrap() else { panic!() };
    assert_eq!((request.username.as_str(), request.scopes), ("johndoe", BuiltInScope::OData.into()));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA")];
    let TokenRequest::RefreshToken(request) = parsed(&refresh, &client).unwrap() else { panic!() };
    assert_eq!((request.token.expose(), request.sent_as_a_code), ("tGzv3JOkF0XG5Qx2TlKWIA", false));
    let service = [("grant_type", "client_credentials")];
    assert!(matches!(parsed(&service, &client), Ok(TokenRequest::ClientCredentials(_))));
}

#[test]
fn the_parameters_of_each_grant_type_are_required() {
    let client = client(|_| {});
    assert_eq!(refused(&[], &client), missing("grant_type"));
    assert_eq!(refused(&[("grant_type", "authorization_code")], &client), missing("code"));
    assert_eq!(refused(&[("grant_type", "refresh_token")], &client), missing("refresh_token"));
    assert_eq!(refused(&[("grant_type", "password"), ("username", "a")], &client), missing("password"));
    assert_eq!(refused(&[("grant_type", "password"), ("password", "a")], &client), missing("username"));
    let device = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code")];
    assert_eq!(refused(&device, &client), missing("device_code"));
    let asked = [("grant_type", "urn:openid:params:grant-type:ciba")];
    assert_eq!(refused(&asked, &client), missing("auth_req_id"));
}

#[test]
fn an_unknown_grant_type_is_unsupported() {
    for grant_type in ["implicit", "Password", "urn:ietf:params:oauth:grant-type:saml2-bearer"] {
        assert_eq!(refused(&[("grant_type", grant_type)], &client(|_| {})), Refusal::GrantTypeUnknown);
    }
}

#[test]
fn a_grant_type_that_is_not_registered_is_refused() {
    for own in GrantType::ALL {
        let client = client(|settings| settings.grant_types.retain(|grant_type| *grant_type != own));
        assert_eq!(
            refused(&[("grant_type", own.as_str())], &client),
            Refusal::GrantTypeNotRegistered(own.as_str())
        );
    }
}

#[test]
fn oauth21_does_not_allow_the_password_grant() {
    let client = client(|settings| settings.profile = Profile::OAuth21);
    let request = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    assert_eq!(refused(&request, &client), Refusal::PasswordNotInProfile);
}

#[test]
fn a_public_application_never_gets_the_password_grant() {
    let public = client(|settings| settings.client_type = ClientType::Public);
    let request = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    assert_eq!(refused(&request, &public), Refusal::PublicPassword);
}

#[test]
fn the_power_bi_connector_may_refresh_with_the_code_grant_type() {
    let compatible = client(|_| {});
    let newer = [("grant_type", "authorization_code"), ("refresh_token", "sgr_1")];
    let older = [("grant_type", "authorization_code"), ("refresh_token", "sgr_1"), ("code", "sgr_1")];
    for request in [newer.as_slice(), older.as_slice()] {
        let TokenRequest::RefreshToken(refresh) = parsed(request, &compatible).unwrap() else { panic!() };
        assert_eq!((refresh.token.expose(), refresh.sent_as_a_code), ("sgr_1", true));
    }
    let oauth21 = client(|settings| settings.profile = Profile::OAuth21);
    assert_eq!(refused(&newer, &oauth21), missing("code"));
    let code = [("grant_type", "authorization_code"), ("refresh_token", "sgr_1"), ("code", "sgc_1")];
    assert!(
        matches!(parsed(&code, &compatible), Ok(TokenRequest::AuthorizationCode(_))),
        "a real code is one"
    );
    let without = client(|settings| settings.grant_types = vec![GrantType::AuthorizationCode]);
    assert_eq!(refused(&newer, &without), Refusal::GrantTypeNotRegistered("refresh_token"));
}

#[test]
fn a_malformed_verifier_is_refused() {
    let (short, long) = ("a".repeat(42), "a".repeat(129));
    for verifier in [short.as_str(), long.as_str(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj+k"] {
        let request = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", verifier)];
        assert_eq!(refused(&request, &client(|_| {})), Refusal::VerifierMalformed, "{verifier}");
    }
}

#[test]
fn unregistered_scopes_are_refused() {
    let password = [("grant_type", "password"), ("username", "a"), ("password", "b"), ("scope", "api.mgmt")];
    assert_eq!(refused(&password, &client(|_| {})), Refusal::ScopeNotRegistered);
    let service = [("grant_type", "client_credentials"), ("scope", "nonsense")];
    assert_eq!(refused(&service, &client(|_| {})), Refusal::ScopeUnknown);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("scope", "nonsense")];
    assert_eq!(refused(&refresh, &client(|_| {})), Refusal::ScopeUnknown);
}

#[test]
fn a_public_client_cannot_use_client_credentials() {
    let public = client(|settings| settings.client_type = ClientType::Public);
    assert_eq!(refused(&[("grant_type", "client_credentials")], &public), Refusal::PublicClientCredentials);
    let request = client_credentials::ServiceRequest { scopes: BuiltInScope::OData.into() };
    let decided = client_credentials::decide(&request, &public, Some(&user(2)), 3600);
    assert_eq!(decided, Err(Refusal::PublicClientCredentials));
}

#[test]
fn client_credentials_have_no_scope_of_a_user() {
    let client = client(|settings| settings.scopes = BuiltInScope::ALL.into_iter().collect());
    let asked = |scope| match parsed(&[("grant_type", "client_credentials"), ("scope", scope)], &client) {
        Ok(TokenRequest::ClientCredentials(request)) => Ok(request.scopes),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal),
    };
    assert_eq!(asked(""), Ok(BuiltInScope::OData.into()));
    assert_eq!(asked("odata offline_access"), Ok(BuiltInScope::OData.into()));
    assert_eq!(asked("offline_access"), Err(Refusal::ScopeWithoutEffect));
    for scope in ["openid", "odata openid", "profile", "email", "address", "phone"] {
        assert_eq!(asked(scope), Err(Refusal::ScopeOfUsers), "{scope}");
    }
    let only_openid = crate::sample::client(|settings| settings.scopes = BuiltInScope::OpenId.into());
    let service = [("grant_type", "client_credentials")];
    assert_eq!(refused(&service, &only_openid), Refusal::ScopeWithoutEffect);
}

#[test]
fn client_credentials_act_as_the_active_owner() {
    let client = client(|_| {});
    let request = client_credentials::ServiceRequest { scopes: BuiltInScope::OData.into() };
    let decide =
        |owner: Option<&domain::account::User>| client_credentials::decide(&request, &client, owner, 3600);
    let owner = user(2);
    assert_eq!(decide(Some(&owner)).unwrap().user, owner.id);
    assert_eq!(decide(None), Err(Refusal::OwnerInactive));
    assert_eq!(decide(Some(&user(3))), Err(Refusal::OwnerInactive), "somebody else");
    assert_eq!(decide(Some(&domain::account::User { active: false, ..owner })), Err(Refusal::OwnerInactive));
}

#[test]
fn the_password_grant_creates_a_grant_without_consent() {
    let client = client(|_| {});
    let given = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    let TokenRequest::Password(request) = parsed(&given, &client).unwrap() else { panic!() };
    let decision = password::decide(&request, &client, &user(4), 3600, NOW).unwrap();
    assert_eq!((decision.consent, decision.origin), (None, GrantOrigin::Password));
    assert_eq!(decision.details.sign_in, Some(SignInDetails::at(NOW)), "the password was just proved");
    assert!(decision.refreshable);
    let inactive = domain::account::User { active: false, ..user(4) };
    assert_eq!(password::decide(&request, &client, &inactive, 3600, NOW), Err(Refusal::UserInactive));
}

#[test]
fn the_shorter_lifetime_of_an_access_token_applies() {
    let mut settings = settings();
    assert_eq!(access_token_lifetime_secs(&settings, 3600), 3600);
    settings.access_token_lifetime_secs = Some(600);
    assert_eq!(access_token_lifetime_secs(&settings, 3600), 600);
    assert_eq!(access_token_lifetime_secs(&settings, 60), 60);
}

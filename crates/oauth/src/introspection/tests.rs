use super::*;
use crate::application::ClientType;
use crate::refusal::ParameterFault;
use crate::sample::{self, NOW, built_in_scopes, pairs};
use domain::id::Epoch;

fn token() -> AccessToken {
    let grant = sample::grant();
    AccessToken {
        id: TokenId::compose(NOW, [2; 8]),
        expires_at: NOW.plus_secs(3600),
        application: grant.application,
        application_epoch: grant.application_epoch,
        user: grant.user,
        user_epoch: grant.user_epoch,
        grant: Some(grant.id),
        scopes: grant.scopes,
        binding: None,
        details: crate::grant::AccessTokenDetails::default(),
    }
}

/// The facts about a token of this application and user, which `client` presents.
fn facts<'a>(client: &'a AuthenticatedClient, application: &'a Application, user: &'a User) -> Facts<'a> {
    Facts {
        scopes: built_in_scopes(),
        client,
        application: Some(application),
        user: Some(user),
        identifier: None,
        audience: &[],
        public_url: "https://gate.example",
        refresh_limits: RefreshLimits::default(),
        now: NOW,
    }
}

/// The response to `client` about the subject: `sub`, and whether it is an access token.
fn message(client: &AuthenticatedClient, subject: IntrospectedToken<'_>) -> Option<(String, bool)> {
    let (application, user) = (sample::application(|_| {}), sample::user(4));
    let facts = facts(client, &application, &user);
    decide(subject, facts).map(|active| (active.subject, active.token_type == Some(TokenType::Bearer)))
}

fn access(token: &AccessToken) -> IntrospectedToken<'_> {
    IntrospectedToken::Access { token, revoked: false }
}

#[test]
fn a_token_must_be_named() {
    let missing = Refusal::Parameter { name: "token", fault: ParameterFault::Missing };
    assert_eq!(parse(&pairs(&[])).unwrap_err(), missing);
    let hinted = parse(&pairs(&[("token", "sga_1"), ("token_type_hint", "anything")])).unwrap();
    assert_eq!(hinted.expose(), "sga_1");
}

#[test]
fn a_live_token_is_described_to_its_own_client() {
    let (client, application, user) = (sample::client(|_| {}), sample::application(|_| {}), sample::user(4));
    let facts = facts(&client, &application, &user);
    let token = token();
    let active = decide(access(&token), facts).unwrap();
    assert_eq!((active.client_id, active.username), (sample::CLIENT_ID, "user4"));
    assert_eq!((active.issued_at, active.expires_at), (NOW, Some(NOW.plus_secs(3600))));
    assert_eq!((active.subject.as_str(), active.id), ("4", Some(token.id)));
}

#[test]
fn for_client_credentials_the_subject_is_the_client() {
    let service = AccessToken { grant: None, ..token() };
    let expected = Some((sample::CLIENT_ID.to_owned(), true));
    assert_eq!(message(&sample::client(|_| {}), access(&service)), expected);
}

#[test]
fn a_revoked_or_expired_token_is_inactive() {
    let client = sample::client(|_| {});
    let dead = [
        AccessToken { expires_at: NOW, ..token() },
        AccessToken { application_epoch: Epoch::new(2), ..token() },
        AccessToken { user_epoch: Epoch::new(4), ..token() },
    ];
    for token in &dead {
        assert_eq!(message(&client, access(token)), None);
    }
    assert_eq!(message(&client, IntrospectedToken::Access { token: &token(), revoked: true }), None);
}

#[test]
fn another_clients_token_is_inactive_without_the_scope() {
    let other = sample::other_client(|_| {});
    assert_eq!(message(&other, access(&token())), None);
    let resource_server = sample::other_client(|settings| settings.scopes = BuiltInScope::Introspect.into());
    assert!(message(&resource_server, access(&token())).is_some());
}

#[test]
fn a_public_client_may_not_introspect() {
    let public = sample::client(|settings| settings.client_type = ClientType::Public);
    assert_eq!(may_introspect(&public), Err(Refusal::PublicIntrospection));
    assert_eq!(message(&public, access(&token())), None);
}

#[test]
fn a_refresh_token_is_active_until_it_is_replaced() {
    let client = sample::client(|_| {});
    let at = |generation, grant: &Grant| {
        message(
            &client,
            IntrospectedToken::Refresh { token: &RefreshToken { grant: grant.id, generation }, grant },
        )
    };
    let rotated = Grant { generation: 1, rotated_at: Some(NOW), ..sample::grant() };
    assert_eq!(at(1, &rotated), Some(("4".to_owned(), false)));
    assert_eq!(at(0, &rotated), None);
    assert_eq!(at(0, &Grant { revoked_at: Some(NOW), ..sample::grant() }), None);
    assert_eq!(at(0, &Grant { refreshable: false, ..sample::grant() }), None);
}

#[test]
fn the_tokens_of_an_inactive_user_are_inactive() {
    let (client, application) = (sample::client(|_| {}), sample::application(|_| {}));
    let user = User { active: false, ..sample::user(4) };
    let facts = facts(&client, &application, &user);
    assert_eq!(decide(access(&token()), facts), None);
    assert_eq!(decide(access(&token()), Facts { user: None, ..facts }), None);
    assert_eq!(decide(access(&token()), Facts { application: None, ..facts }), None);
}

#[test]
fn only_current_scopes_are_returned_and_a_token_without_any_is_inactive() {
    let (client, user) = (sample::client(|_| {}), sample::user(4));
    let both: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let wide = AccessToken { scopes: both.clone(), ..token() };
    let message = |scopes: ScopeSet| {
        let application = sample::application(|settings| settings.scopes = scopes);
        let facts = facts(&client, &application, &user);
        decide(access(&wide), facts).map(|active| active.scopes)
    };
    assert_eq!(message(both.clone()), Some(both.clone()));
    assert_eq!(message(BuiltInScope::OData.into()), Some(BuiltInScope::OData.into()));
    assert_eq!(message(BuiltInScope::Introspect.into()), None);
    let grant = Grant { scopes: both.clone(), ..sample::grant() };
    let application = sample::application(|settings| settings.scopes = BuiltInScope::Introspect.into());
    let refresh = RefreshToken { grant: grant.id, generation: grant.generation };
    let facts = facts(&client, &application, &user);
    assert_eq!(decide(IntrospectedToken::Refresh { token: &refresh, grant: &grant }, facts), None);
}

/// Whether a client that introspects for these resource servers learns of a token for this audience.
fn learns(tied: &[&str], audience: &[&str], own: bool) -> bool {
    let client = sample::client(|settings| {
        let tied = tied.iter().map(|&one| one.to_owned()).collect();
        settings.client_metadata.introspection_audiences = tied;
        settings.scopes = [BuiltInScope::OData, BuiltInScope::Introspect].into_iter().collect();
    });
    let mut application = sample::application(|_| {});
    let mut token = token();
    if !own {
        application.id = ApplicationId::new(8);
        token.application = application.id;
    }
    let (user, audience) = (sample::user(4), audience.iter().map(|&one| one.into()).collect::<Vec<_>>());
    let facts = Facts { audience: &audience, ..facts(&client, &application, &user) };
    decide(access(&token), facts).is_some()
}

#[test]
fn a_client_that_names_resource_servers_learns_of_access_tokens_for_these_only() {
    const ORDERS: &str = "https://orders.example/api";
    const GATE: &str = "https://gate.example";
    for own in [false, true] {
        for (tied, audience, expected) in [
            (&[][..], &[ORDERS][..], true),
            (&[ORDERS], &[ORDERS], true),
            (&[ORDERS], &[GATE, ORDERS], true),
            (&[ORDERS], &[GATE], false),
            (&[ORDERS], &["https://orders.example/api/more"], false),
            (&[ORDERS], &[], false),
            (&["https://gone.example"], &[ORDERS], false),
            (&[ORDERS, "sluicegate"], &[GATE], true),
            (&["sluicegate"], &["https://gate.example/api/odata4/ships"], true),
            (&["sluicegate"], &["https://gate.example.org/"], false),
        ] {
            assert_eq!(learns(tied, audience, own), expected, "{tied:?} {audience:?}");
        }
    }
}

#[test]
fn a_client_that_names_resource_servers_learns_of_its_own_refresh_tokens_only() {
    let client = |own: bool| {
        let mut client = sample::application(|settings| {
            settings.client_metadata.introspection_audiences = vec!["https://orders.example/api".to_owned()];
            settings.scopes = [BuiltInScope::OData, BuiltInScope::Introspect].into_iter().collect();
        });
        if !own {
            client.id = ApplicationId::new(8);
        }
        sample::authenticated(client)
    };
    let grant = sample::grant();
    let token = RefreshToken { grant: grant.id, generation: grant.generation };
    let subject = IntrospectedToken::Refresh { token: &token, grant: &grant };
    assert!(message(&client(true), subject).is_some());
    assert_eq!(message(&client(false), subject), None);
}

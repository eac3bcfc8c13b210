use super::*;
use crate::application::SubjectType;
use crate::application::{ApplicationSettings, ClientType};
use crate::proof::{KeyBinding, Thumbprint};
use crate::resource::{MOST_RESOURCES, Resource};
use crate::sample::{CLIENT_ID, NOW, application, authenticated, built_in_scopes, client, pairs, user};
use crate::scope::BuiltInScope;
use domain::id::{ApplicationId, TokenId};

const GATE: &str = "https://gate.example";
const API: &str = "https://api.example/orders";

/// The exchanging application has the number 8; the subject token was issued to number 7.
fn exchanger(change: impl FnOnce(&mut TokenExchangePolicy)) -> AuthenticatedClient {
    let mut policy = TokenExchangePolicy {
        clients: vec![CLIENT_ID.to_owned()],
        impersonation: true,
        delegation: true,
        resources: vec![API.to_owned()],
        ..TokenExchangePolicy::default()
    };
    change(&mut policy);
    let settings = |all: &mut ApplicationSettings| {
        all.client_metadata.token_exchange = Some(policy);
        all.scopes = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    };
    authenticated(Application {
        id: ApplicationId::new(8),
        client_id: "00000000-0000-4000-8000-000000000008".parse().unwrap(),
        ..application(settings)
    })
}

fn token() -> AccessToken {
    AccessToken {
        id: TokenId::compose(NOW, [3; 8]),
        expires_at: NOW.plus_secs(900),
        application: ApplicationId::new(7),
        application_epoch: Epoch::new(3),
        user: UserId::new(4),
        user_epoch: Epoch::new(5),
        grant: Some(GrantId::new(21)),
        scopes: BuiltInScope::OData.into(),
        binding: None,
        details: AccessTokenDetails::default(),
    }
}

const TYPES: [(&str, &str); 2] = [("subject_token", "x"), ("subject_token_type", ACCESS_TOKEN_TYPE)];

fn parse(client: &AuthenticatedClient, more: &[(&str, &str)]) -> Result<TokenExchange, Refusal> {
    TokenExchange::parse(&pairs(&[&TYPES[..], more].concat()), client, &ScopeRegistry::built_in())
}

fn run(
    client: &AuthenticatedClient,
    token: &AccessToken,
    more: &[(&str, &str)],
) -> Result<ExchangedToken, Refusal> {
    run_with(client, token, None, more)
}

fn run_with(
    client: &AuthenticatedClient,
    token: &AccessToken,
    actor: Option<&AccessToken>,
    more: &[(&str, &str)],
) -> Result<ExchangedToken, Refusal> {
    let (subject_application, user) = (application(|_| {}), user(4));
    let presented = |token, application, identifier| OpenedTokenFacts {
        token: Some(token),
        revoked: false,
        application: Some(application),
        user: Some(&user),
        identifier,
    };
    let request = parse(client, more)?;
    let facts = Facts {
        scopes: built_in_scopes(),
        client,
        subject: presented(token, &subject_application, None),
        actor: actor.map(|actor| presented(actor, client.application(), Some("actor's own"))),
        targets: &found(if request.targets.is_empty() { &token.details.resources } else { &request.targets }),
        public_url: GATE,
        lifetime_limit_secs: 3_600,
        now: NOW,
    };
    decide(&request, facts)
}

/// The registry has no other resource server, and the only data source is `ships`.
fn found(resources: &[String]) -> Vec<Requested> {
    let registry = ScopeRegistry::built_in();
    let exists = |one: &Resource| !matches!(one, Resource::Source(_, name) if name != "ships");
    let look_up = |resource: &String| {
        let found = resource::find(resource, &registry, GATE).filter(exists);
        Requested { resource: resource.clone(), found: found.map(|found| found.canonical(GATE)) }
    };
    resources.iter().map(look_up).collect()
}

fn act_of(token: &ExchangedToken) -> Option<&Act> {
    token.details.exchanged.as_ref()?.act.as_deref()
}

#[test]
fn an_exchanged_token_never_reaches_further_than_its_subject() {
    let issued = run(&exchanger(|_| {}), &token(), &[]).unwrap();
    assert_eq!((issued.user, issued.grant), (UserId::new(4), Some(GrantId::new(21))));
    assert_eq!(issued.scopes, BuiltInScope::OData.into());
    assert_eq!(issued.lifetime_secs, 900, "not beyond the subject token");
    let wider = run(&exchanger(|_| {}), &token(), &[("scope", "api.mgmt")]);
    assert_eq!(wider, Err(Refusal::ScopeWidened));
    let limited = exchanger(|policy| policy.scopes = vec!["api.mgmt".to_owned()]);
    assert_eq!(run(&limited, &token(), &[]), Err(Refusal::NoScopeLeft));
}

#[test]
fn an_exchanged_token_has_no_scope_of_a_sign_in() {
    let of_sign_in = BuiltInScope::OF_USERS.into_iter().chain([BuiltInScope::OfflineAccess]);
    let all: ScopeSet = of_sign_in.chain([BuiltInScope::OData]).collect();
    let everywhere = |settings: &mut ApplicationSettings| settings.scopes = all.clone();
    let mut service = exchanger(|_| {}).application().clone();
    everywhere(&mut service.settings);
    let (service, user, front) = (authenticated(service), user(4), application(everywhere));
    let exchanged = |scopes: &ScopeSet, more: &[(&str, &str)]| {
        let token = AccessToken { scopes: scopes.clone(), ..token() };
        let facts = Facts {
            scopes: built_in_scopes(),
            client: &service,
            subject: OpenedTokenFacts {
                token: Some(&token),
                revoked: false,
                application: Some(&front),
                user: Some(&user),
                identifier: None,
            },
            actor: None,
            targets: &[],
            public_url: GATE,
            lifetime_limit_secs: 60,
            now: NOW,
        };
        decide(&parse(&service, more)?, facts).map(|issued| issued.scopes)
    };
    assert_eq!(exchanged(&all, &[]), Ok(BuiltInScope::OData.into()));
    assert_eq!(exchanged(&BuiltInScope::OpenId.into(), &[]), Err(Refusal::NoScopeLeft));
    for scope in ["openid", "odata openid", "email", "odata offline_access"] {
        assert_eq!(exchanged(&all, &[("scope", scope)]), Err(Refusal::ScopeOfSignIn), "{scope}");
    }
    let data = BuiltInScope::OData.into();
    assert_eq!(exchanged(&data, &[("scope", "openid")]), Err(Refusal::ScopeWidened));
}

#[test]
fn an_application_with_pairwise_subjects_sees_no_users_among_earlier_actors() {
    let act =
        |sub: &str, client_id: &str, act| Act { sub: sub.to_owned(), client_id: client_id.to_owned(), act };
    let earlier = act("4", "middle", Some(Box::new(act("5", "first", None))));
    let reader = |kind| application(|settings| settings.client_metadata.openid.subject_type = kind);
    assert_eq!(earlier_actors(&earlier, &reader(SubjectType::Public)), earlier);
    let expected = act("middle", "middle", Some(Box::new(act("first", "first", None))));
    assert_eq!(earlier_actors(&earlier, &reader(SubjectType::Pairwise)), expected);
}

#[test]
fn without_a_policy_nothing_is_exchanged() {
    assert_eq!(parse(&client(|_| {}), &[]).unwrap_err(), Refusal::ExchangeNotAllowed);
    let off = exchanger(|policy| (policy.impersonation, policy.delegation) = (false, false));
    assert_eq!(parse(&off, &[]).unwrap_err(), Refusal::ExchangeNotAllowed);
}

#[test]
fn the_policy_says_whose_tokens_are_exchanged() {
    let others = exchanger(|policy| policy.clients = vec!["00000000-0000-4000-8000-000000000009".to_owned()]);
    assert_eq!(run(&others, &token(), &[]), Err(Refusal::SubjectTokenNotAllowed));
}

#[test]
fn impersonation_names_no_actor_and_delegation_does() {
    let issued = run(&exchanger(|_| {}), &token(), &[]).unwrap();
    assert_eq!(act_of(&issued), None);
    let delegate = exchanger(|policy| policy.impersonation = false);
    let issued = run(&delegate, &token(), &[]).unwrap();
    let own = "00000000-0000-4000-8000-000000000008";
    let act = act_of(&issued).unwrap();
    assert_eq!((act.sub.as_str(), act.client_id.as_str(), &act.act), (own, own, &None));
    assert_eq!(issued.details.exchanged.as_ref().unwrap().sub, "4");
}

#[test]
fn an_actor_token_names_the_actor_and_is_of_the_client_itself() {
    let client = exchanger(|_| {});
    let actor = AccessToken {
        application: ApplicationId::new(8),
        id: TokenId::compose(NOW, [4; 8]),
        expires_at: NOW.plus_secs(60),
        ..token()
    };
    let sent = [("actor_token", "y"), ("actor_token_type", ACCESS_TOKEN_TYPE)];
    let issued = run_with(&client, &token(), Some(&actor), &sent).unwrap();
    assert_eq!(act_of(&issued).unwrap().sub, "actor's own");
    assert_eq!(issued.lifetime_secs, 60, "not beyond the actor token");
    assert_eq!(run_with(&client, &token(), Some(&token()), &sent), Err(Refusal::ActorTokenInvalid));
    let no_delegation = exchanger(|policy| policy.delegation = false);
    let refused = run_with(&no_delegation, &token(), Some(&actor), &sent);
    assert_eq!(refused, Err(Refusal::DelegationNotAllowed));
}

#[test]
fn earlier_actors_are_kept_and_the_chain_has_an_end() {
    let delegate = exchanger(|policy| policy.impersonation = false);
    let mut token = token();
    for round in 1..=MOST_EXCHANGES {
        let issued = run(&delegate, &token, &[]).unwrap();
        let exchanged = issued.details.exchanged.clone().unwrap();
        assert_eq!(exchanged.from.len(), round);
        let depth = std::iter::successors(exchanged.act.as_deref(), |act| act.act.as_deref()).count();
        assert_eq!(depth, round);
        token.details = issued.details;
    }
    assert_eq!(run(&delegate, &token, &[]), Err(Refusal::ExchangedTooOften));
}

#[test]
fn a_token_that_is_invalid_or_bound_is_not_exchanged() {
    let client = exchanger(|_| {});
    let bound = AccessToken { binding: Some(KeyBinding::Key(Thumbprint::from_bytes([1; 32]))), ..token() };
    assert_eq!(run(&client, &bound, &[]), Err(Refusal::SubjectTokenBound));
    for dead in [
        AccessToken { expires_at: NOW, ..token() },
        AccessToken { application_epoch: Epoch::new(2), ..token() },
        AccessToken { user_epoch: Epoch::new(4), ..token() },
    ] {
        assert_eq!(run(&client, &dead, &[]), Err(Refusal::SubjectTokenInvalid));
    }
    let (subject_application, user, live) = (application(|_| {}), user(4), token());
    let presented = OpenedTokenFacts {
        token: Some(&live),
        revoked: true,
        application: Some(&subject_application),
        user: Some(&user),
        identifier: None,
    };
    for subject in [presented, OpenedTokenFacts { revoked: false, token: None, ..presented }] {
        let facts = Facts {
            scopes: built_in_scopes(),
            client: &client,
            subject,
            actor: None,
            targets: &[],
            public_url: GATE,
            lifetime_limit_secs: 60,
            now: NOW,
        };
        let request = parse(&client, &[]).unwrap();
        assert_eq!(decide(&request, facts), Err(Refusal::SubjectTokenInvalid));
    }
}

#[test]
fn targets_are_this_server_or_those_of_the_policy() {
    let client = exchanger(|_| {});
    for (target, resources) in [
        (GATE, vec![GATE]),
        ("HTTPS://GATE.example/", vec![GATE]),
        ("https://gate.example/api/odata4/ships", vec!["https://gate.example/api/odata4/ships"]),
        (API, vec![API]),
    ] {
        for name in ["resource", "audience"] {
            let issued = run(&client, &token(), &[(name, target)]).unwrap();
            assert_eq!(issued.details.resources, resources, "{name}={target}");
        }
    }
    for target in [
        "https://other.example",
        "https://gate.example.evil",
        "https://gate.example/a/../b",
        "https://gate.example/api/odata4/nothing",
    ] {
        let refused = run(&client, &token(), &[("resource", target)]);
        assert_eq!(refused, Err(Refusal::TargetNotAllowed), "{target}");
    }
    for target in ["https://gate.example/x#y", "ships"] {
        let refused = run(&client, &token(), &[("audience", target)]);
        assert_eq!(refused, Err(Refusal::ResourceMalformed), "{target}");
    }
}

#[test]
fn the_resources_of_the_subject_are_narrowed_as_those_of_a_grant() {
    let ships = "https://gate.example/api/odata4/ships";
    let client = exchanger(|_| {});
    let limited = |resources: &[&str]| {
        let resources = resources.iter().map(|&one| one.to_owned()).collect();
        AccessToken { details: AccessTokenDetails::limited_to(resources), ..token() }
    };
    let narrowed = |token: &AccessToken, more: &[(&str, &str)]| {
        run(&client, token, more).map(|issued| issued.details.resources)
    };
    assert_eq!(narrowed(&limited(&[API]), &[]).unwrap(), [API]);
    assert_eq!(narrowed(&limited(&[API]), &[("resource", GATE)]), Err(Refusal::TargetNotAllowed));
    assert_eq!(narrowed(&limited(&[GATE]), &[("resource", ships)]).unwrap(), [ships]);
    assert_eq!(narrowed(&limited(&[ships]), &[("resource", GATE)]), Err(Refusal::TargetNotAllowed));
    let gone = "https://gate.example/api/odata4/nothing";
    assert_eq!(narrowed(&limited(&[ships, gone]), &[]).unwrap(), [ships], "what is gone falls away");
    assert_eq!(narrowed(&limited(&[gone]), &[]), Err(Refusal::TargetNotAllowed));
    let without = exchanger(|policy| policy.resources.clear());
    let kept = run(&without, &limited(&[API]), &[]);
    assert_eq!(kept, Err(Refusal::TargetNotAllowed), "the policy decides about inherited resources, too");
}

#[test]
fn the_types_of_tokens_are_checked() {
    let client = exchanger(|_| {});
    let (jwt, saml) = (JWT_TYPE, "urn:ietf:params:oauth:token-type:saml2");
    for (more, refusal) in [
        (&[("requested_token_type", jwt)][..], Refusal::TokenTypeUnsupported),
        (&[("actor_token_type", ACCESS_TOKEN_TYPE)], Refusal::ActorTypeWithoutToken),
        (&[("actor_token", "y")], ACTOR_TOKEN_TYPE.missing()),
        (&[("actor_token", "y"), ("actor_token_type", saml)], Refusal::TokenTypeUnsupported),
        (&[("scope", "nothing")], Refusal::ScopeUnknown),
    ] {
        assert_eq!(parse(&client, more).unwrap_err(), refusal, "{more:?}");
    }
    assert!(parse(&client, &[("requested_token_type", ACCESS_TOKEN_TYPE)]).is_ok());
    let many: Vec<_> = (0..=MOST_RESOURCES).map(|at| format!("{GATE}/{at}")).collect();
    let many: Vec<_> = many.iter().map(|target| ("audience", target.as_str())).collect();
    assert_eq!(parse(&client, &many).unwrap_err(), Refusal::TooManyResources);
    let untyped = pairs(&[("subject_token", "x")]);
    let parsed = TokenExchange::parse(&untyped, &client, &ScopeRegistry::built_in());
    assert_eq!(parsed.unwrap_err(), SUBJECT_TOKEN_TYPE.missing());
}

#[test]
fn a_public_application_cannot_exchange_tokens() {
    let public = client(|settings| settings.client_type = ClientType::Public);
    let request = pairs(&[("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")]);
    let parsed = crate::token::TokenRequest::parse(&request, &public, &ScopeRegistry::built_in());
    assert_eq!(parsed.unwrap_err(), Refusal::PublicTokenExchange);
}

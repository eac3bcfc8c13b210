//! A fixture: an installation with something in every table, created through the store contract.

use std::collections::BTreeMap;

use domain::account::attributes::Attribute;
use domain::account::data_source::{GROUP_STORE, GroupMember};
use domain::account::device::SessionOrigin;
use domain::account::network::Network;
use domain::account::one_time_link::LinkPurpose;
use domain::account::second_factor::SealedTotpSecret;
use domain::account::{ADMINISTRATOR_ROLE, LockoutPolicy, Permission, Role, SealedOption, USER_ROLE, User};
use domain::allow_list::{AllowListOwner, AllowLists, ServerPart};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, CodeId, ConsentId, DataSourceId, GrantId, RoleId, TokenId, UserId};
use domain::limit::Limit;
use domain::mail::SealedLetter;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::authorize::{Provenance, VerifiedObject};
use oauth::cors::NewTrustedOrigin;
use oauth::data_access::DataAccess;
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::{Assignment, BuiltInScope, NewResourceServer, NewScope, Risk, ScopeSet};
use oauth::signing::JwsAlgorithm;
use oauth::trusted_issuer::{IssuerSettings, NewTrustedIssuer, Purpose};
use store::{
    BackchannelInsertion, BackchannelLimits, ComesFrom, DeviceInsertion, GrantCreation, MembersChange,
    ModelChange, ModelPrecondition, NewApplication, NewAttributes, NewBackchannelAuthentication, NewConsent,
    NewDataSource, NewDeviceAuthorization, NewGrant, NewInitialAccessToken, NewLink, NewMail, NewOneTimeLink,
    NewPersonalAccessToken, NewPushedRequest, NewRegistration, NewSecondFactor, NewSecret, NewSession,
    NewUser, PushedRequestLimits, RefusedSignIn, SealedSecret, Sealing, Sharing, Store, SucceededSignIn,
    Usage, UserChange,
};

mod keys;

pub(super) const START: Timestamp = Timestamp::from_secs(1_000_000);
pub(super) const OVER: Timestamp = Timestamp::from_secs(9_000_000);
const NINE_PUSHED: PushedRequestLimits =
    PushedRequestLimits { of_application: 9, total: 9, strangers: 9, strangers_of_application: 9 };

/// The digest of a pushed request.
pub(super) const PUSHED: Digest = Digest::from_bytes([13; 32]);

/// Text that careless code would break.
pub(super) const ODD: &str =
    "Zoë 'quoted' \"twice\" \\ {braces} NULL , \u{1f980} \u{202e}x\r\n\t% $1 e\u{301} ";

/// Client metadata with an address for logout tokens and a member of a later version.
const METADATA: &str = r#"{"backchannel_logout_uri":"https://example.com/out","later_member":1}"#;

pub(super) fn event(action: Action) -> NewAuditEvent {
    NewAuditEvent {
        actor_name: Some(ODD.to_owned()),
        detail: Some(String::new()),
        ..NewAuditEvent::new(action, Outcome::Success, START)
    }
}

pub(super) async fn fill(store: &dyn Store) {
    let ada = user(store, "ada", &[ADMINISTRATOR_ROLE]).await;
    let bob = user(store, "Bøb the 2nd", &[USER_ROLE]).await;
    let gone = user(store, "gone", &[]).await;
    store
        .delete_user(gone.id, store::Possessions::Keep, OVER, event(Action::DeleteUser))
        .await
        .unwrap()
        .unwrap();
    let network = Some(Network::of([192, 0, 2, 1].into()));
    let from = ComesFrom { network, familiar_since: START };
    for user in [&ada, &bob] {
        let (user, user_epoch) = (user.id, user.epoch);
        store.note_sign_in(SucceededSignIn { user, user_epoch, from, at: START }).await.unwrap();
    }
    let from = ComesFrom { network: None, ..from };
    let policy = LockoutPolicy { interval_secs: 900, failures: 2, lock_secs: 1800 };
    for _ in 0..2 {
        let (user, policy, audit) = (Some(ada.id), Some(policy), event(Action::SignIn));
        store.refuse_sign_in(RefusedSignIn { user, from, policy, audit }).await.unwrap();
    }
    roles(store).await;
    let mut session = None;
    for secs in [10, 20] {
        let new = NewSession {
            user: bob.id,
            user_epoch: bob.epoch,
            digest: Digest::from_bytes([7; 32]),
            auth_time: START,
            expires_at: Timestamp::from_secs(1_000_000 + secs),
            sid: "one".to_owned(),
            second_factor: false,
            origin: SessionOrigin::default(),
            replaces: None,
        };
        session = Some(store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap().id);
    }
    let scopes = scopes(store).await;
    let app = application(store, &bob, 1, &scopes).await;
    let lists = AllowLists::new([(ServerPart::WebUi, vec!["2001:db8::/32".parse().unwrap()])]);
    for owner in [AllowListOwner::System, AllowListOwner::User(bob.id), AllowListOwner::Application(app.id)] {
        store.set_allow_lists(owner, lists.clone(), event(Action::SetAllowLists)).await.unwrap().unwrap();
    }
    store.note_session_application(session.unwrap(), app.id).await.unwrap();
    logout_delivery(store, &ada, app.id).await;
    let reset = application(store, &ada, 2, &scopes).await;
    let deleted = application(store, &ada, 3, &scopes).await;
    store.reset_secret(reset.id, secret(9), OVER, event(Action::ResetSecret)).await.unwrap().unwrap();
    store.delete_application(deleted.id, OVER, event(Action::DeleteApplication)).await.unwrap().unwrap();
    store.add_secret(app.id, secret(8), OVER, event(Action::ResetSecret)).await.unwrap().unwrap();
    grants(store, &app, &bob, &scopes).await;
    device(store, &app, &scopes).await;
    backchannel(store, &app, &bob, &scopes).await;
    data_source(store, &bob, &ada).await;
    for limit in &Limit::ALL[..2] {
        store.set_limit(*limit, Some(i64::MAX), event(Action::SetLimit)).await.unwrap().unwrap();
    }
    keys::all(store).await;
    pushed(store).await;
    assert!(store.use_assertion(PUSHED, OVER).await.unwrap());
    registered_client(store, &app, ada.id).await;
    personal_access_token(store, &ada).await;
    one_time_link(store, &ada).await;
    second_factor(store, &ada).await;
    trusted(store).await;
    store.probe().await.unwrap();
}

/// A request object that the browser brought.
async fn pushed(store: &dyn Store) {
    let new = NewPushedRequest {
        digest: PUSHED,
        application: ApplicationId::new(1),
        parameters: ODD.to_owned(),
        provenance: Provenance::in_object(VerifiedObject {
            algorithm: JwsAlgorithm::Es256,
            starts: false,
            brought: true,
        }),
        at: START,
        opened_at: Some(START),
        expires_at: OVER,
        by_stranger: false,
        limits: NINE_PUSHED,
    };
    store.insert_pushed_request(new).await.unwrap().unwrap();
}

/// A personal access token that was used.
async fn personal_access_token(store: &dyn Store, user: &User) {
    let new = NewPersonalAccessToken {
        digest: Digest::from_bytes([17; 32]),
        user: user.id,
        user_epoch: user.epoch,
        name: ODD.to_owned(),
        scopes: BuiltInScope::OData.into(),
        data: Some(Box::new(DataAccess::everything().changing([DataSourceId::new(1)]))),
        at: START,
        expires_at: OVER,
    };
    let audit = event(Action::CreatePersonalAccessToken);
    let made = store.insert_personal_access_token(new, audit).await.unwrap().unwrap();
    let usage = Usage { personal_access_tokens: vec![(made.id, START)], ..Usage::default() };
    store.record_usage(usage).await.unwrap();
}

/// A one-time link with everything that it can have.
async fn one_time_link(store: &dyn Store, user: &User) {
    let stored = store.find_user(user.id).await.unwrap().unwrap();
    let mut attributes = stored.attributes.as_deref().cloned().unwrap_or_default();
    attributes.set(Attribute::Email, "ada@example.com");
    let change = UserChange { attributes: Some(NewAttributes::Set(attributes)), ..UserChange::default() };
    store.update_user(user.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    let link = NewLink {
        purpose: LinkPurpose::Invitation,
        digest: Digest::from_bytes([19; 32]),
        sent_to: Some("ada@example.com".to_owned()),
        continue_to: Some(ODD.to_owned()),
        mail: Some(NewMail { sealed: SealedLetter::new(vec![1, 2, 3]), most: 9 }),
        expires_at: OVER,
    };
    let new = NewOneTimeLink { user: user.id, user_epoch: user.epoch, link, unless_since: None };
    let audit = NewAuditEvent { actor: Some(user.id), ..event(Action::CreateOneTimeLink) };
    store.insert_one_time_link(new, audit).await.unwrap().unwrap();
}

/// A second factor, and a session in which it was shown.
async fn second_factor(store: &dyn Store, user: &User) {
    let session = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([18; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: ODD.to_owned(),
        second_factor: true,
        origin: SessionOrigin { device: Some(ODD.to_owned()), address: Some(ODD.to_owned()) },
        replaces: None,
    };
    let session = store.insert_session(session, event(Action::SignIn)).await.unwrap().unwrap().id;
    let new = NewSecondFactor {
        user: user.id,
        user_epoch: user.epoch,
        secret: SealedTotpSecret::new(vec![0, 255, 7]),
        step: i64::MAX,
        recovery_codes: vec![Digest::from_bytes([19; 32]), Digest::from_bytes([20; 32])],
        session,
        revocations_expire_at: OVER,
    };
    store.insert_second_factor(new, event(Action::AddSecondFactor)).await.unwrap().unwrap();
}

/// Registers a client by an initial access token of an Administrator, with the settings of another application.
async fn registered_client(store: &dyn Store, like: &Application, creator: UserId) {
    let token = NewInitialAccessToken {
        digest: Digest::from_bytes([16; 32]),
        description: ODD.to_owned(),
        created_by: creator,
        at: START,
        expires_at: OVER,
        most_uses: Some(u32::MAX),
    };
    let audit = event(Action::CreateInitialAccessToken);
    store.insert_initial_access_token(token, audit).await.unwrap().unwrap();
    let new = NewApplication {
        client_id: "00000000-0000-4000-9000-000000000001".parse().unwrap(),
        owner: creator,
        settings: like.settings.clone(),
        secret: None,
        at: START,
    };
    let registration = NewRegistration {
        token: Digest::from_bytes([17; 32]),
        initial_token: Some(Digest::from_bytes([16; 32])),
        most_clients: 1,
    };
    store.register_client(new, registration, event(Action::RegisterApplication)).await.unwrap().unwrap();
}

/// Opens and ends a session of which the application knows.
async fn logout_delivery(store: &dyn Store, user: &User, application: ApplicationId) {
    let new = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([6; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: ODD.to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    let session = store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap().id;
    store.note_session_application(session, application).await.unwrap();
    let ended = store.delete_session(session, OVER, event(Action::SignOut)).await.unwrap();
    assert_eq!(ended.informed, [application]);
}

/// Adds trusted origins and a trusted issuer.
async fn trusted(store: &dyn Store) {
    let trusted = ["https://*.example.com", "https://pages.example.org"].map(|domain| NewTrustedOrigin {
        domain: domain.to_owned(),
        description: ODD.to_owned(),
        modified_by: ODD.to_owned(),
        at: START,
    });
    store.insert_trusted_origins(trusted.to_vec(), event(Action::TrustOrigin)).await.unwrap().unwrap();
    let settings = IssuerSettings {
        purposes: vec![Purpose::AccessToken],
        service: Some("corporate".to_owned()),
        subjects: [(ODD.to_owned(), ODD.to_owned())].into(),
        ..IssuerSettings::default()
    };
    let new = NewTrustedIssuer { issuer: "https://issuer.example.com".to_owned(), settings };
    store.insert_trusted_issuer(new, event(Action::TrustIssuer)).await.unwrap().unwrap();
}

async fn data_source(store: &dyn Store, owner: &User, other: &User) {
    let source = NewDataSource {
        name: "Sales".to_owned(),
        description: ODD.to_owned(),
        data_store: 1,
        options: BTreeMap::from([("path".to_owned(), ODD.to_owned())]),
        sealing: Sealing::new(|id| {
            BTreeMap::from([(ODD.to_owned(), SealedOption::new(format!("sealed for {id}")))])
        }),
        max_authentication_age: Some(300),
        requires_second_factor: true,
        writable: false,
        owner: owner.id,
        at: START,
    };
    let source = store.insert_data_source(source, event(Action::CreateDataSource)).await.unwrap().unwrap();
    let sharing = Sharing::With(vec![other.id]);
    store.share_data_source(source.id, sharing, event(Action::ShareDataSource)).await.unwrap().unwrap();
    let credentials = Some(SealedOption::new("sealed".to_owned()));
    let stored = store.change_credentials(source.id, other.id, credentials, event(Action::StoreCredentials));
    stored.await.unwrap().unwrap();
    let model =
        ModelChange { document: Some(ODD.to_owned()), precondition: ModelPrecondition::None, at: START };
    store.change_model_document(source.id, model, event(Action::UpdateModel)).await.unwrap().unwrap();
    let group = NewDataSource {
        name: "All".to_owned(),
        description: String::new(),
        data_store: GROUP_STORE,
        options: BTreeMap::new(),
        sealing: Sealing::default(),
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        owner: owner.id,
        at: START,
    };
    let group = store.insert_data_source(group, event(Action::CreateDataSource)).await.unwrap().unwrap();
    let member = GroupMember { source: source.id, prefix: "east".to_owned() };
    let members = MembersChange::With(vec![member]);
    store.change_members(group.id, members, event(Action::UpdateDataSource)).await.unwrap().unwrap();
}

async fn user(store: &dyn Store, name: &str, roles: &[RoleId]) -> User {
    let new = NewUser {
        name: name.to_owned(),
        password: PasswordHash::new("$argon2id$one"),
        active: name != "gone",
        password_expires_at: (name == "ada").then_some(OVER),
        roles: roles.to_vec(),
        attributes: domain::account::attributes::UserAttributes::default(),
        at: START,
    };
    store.insert_user(new, event(Action::CreateUser)).await.unwrap().unwrap()
}

/// Creates a role that stays and a later one that is deleted, whose id must not be assigned again.
async fn roles(store: &dyn Store) {
    for name in ["Auditor", "Going"] {
        let role = Role {
            id: RoleId::new(0),
            name: name.to_owned(),
            description: ODD.to_owned(),
            permissions: vec![Permission::Administrator],
            requires_second_factor: true,
        };
        let role = store.insert_role(role, event(Action::CreateRole)).await.unwrap().unwrap();
        if name == "Going" {
            store.delete_role(role.id, event(Action::DeleteRole)).await.unwrap().unwrap();
        }
    }
}

/// Creates a resource server with a scope that stays and a later one that is deleted. Returns the former
/// together with a built-in one.
async fn scopes(store: &dyn Store) -> ScopeSet {
    let identifier = "https://orders.example.com".to_owned();
    let new = NewResourceServer { identifier, name: ODD.to_owned() };
    let server =
        store.insert_resource_server(new, event(Action::CreateResourceServer)).await.unwrap().unwrap();
    let mut set = ScopeSet::from(BuiltInScope::OData);
    let mut implies = Vec::new();
    for name in ["orders.read", "orders.going", "orders.all"] {
        let new = NewScope {
            name: name.to_owned(),
            description: ODD.to_owned(),
            risk: Risk::High,
            assignment: Assignment::Permission(Permission::ViewRole),
            implies: if name == "orders.all" { implies.clone() } else { Vec::new() },
        };
        let scope = store.insert_scope(server.id, new, event(Action::CreateScope)).await.unwrap().unwrap();
        if name == "orders.going" {
            store.delete_scope(server.id, scope.id, event(Action::DeleteScope)).await.unwrap().unwrap();
        } else {
            set = set.union(&scope.id.into());
            implies.push(scope.id);
        }
    }
    set
}

fn secret(n: u8) -> NewSecret {
    NewSecret {
        digest: Digest::from_bytes([n; 32]),
        hint: format!("{n:04}"),
        sealed: SealedSecret::Always(vec![n, 0]),
    }
}

pub(super) async fn application(store: &dyn Store, owner: &User, n: u8, scopes: &ScopeSet) -> Application {
    let settings = ApplicationSettings {
        name: format!("{ODD}{n}"),
        description: String::new(),
        redirect_urls: vec!["https://example.com/cb?a=1&b=%00".to_owned()],
        profile: Profile::OAuth21,
        client_type: ClientType::Confidential,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: scopes.clone(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: (n == 1).then_some(600),
        contacts: vec![ODD.to_owned()],
        logo_url: (n == 2).then(|| "https://example.com/logo.png".to_owned()),
        cors_origins: vec!["https://pages.example.com".to_owned()],
        client_metadata: ClientMetadata::from_json(Some(METADATA)).unwrap(),
    };
    let new = NewApplication {
        client_id: format!("00000000-0000-4000-8000-{n:012x}").parse().unwrap(),
        owner: owner.id,
        settings,
        secret: Some(secret(n)),
        at: START,
    };
    store.insert_application(new, event(Action::RegisterApplication)).await.unwrap().unwrap()
}

/// A device whose user has not decided.
async fn device(store: &dyn Store, app: &Application, scopes: &ScopeSet) {
    let new = NewDeviceAuthorization {
        device_digest: Digest::from_bytes([8; 32]),
        user_digest: Digest::from_bytes([9; 32]),
        code: CodeId::compose(START, [7; 8]),
        application: app.id,
        application_epoch: app.epoch,
        scopes: scopes.clone(),
        details: GrantDetails::default(),
        at: START,
        expires_at: OVER,
        most: 1,
        replaces_oldest: false,
    };
    assert_eq!(store.insert_device_authorization(new).await.unwrap(), DeviceInsertion::Stored);
}

/// A request to a user who has not decided.
async fn backchannel(store: &dyn Store, app: &Application, bob: &User, scopes: &ScopeSet) {
    let new = NewBackchannelAuthentication {
        digest: Digest::from_bytes([6; 32]),
        code: CodeId::compose(START, [6; 8]),
        application: app.id,
        application_epoch: app.epoch,
        user: bob.id,
        user_epoch: bob.epoch,
        scopes: scopes.clone(),
        details: GrantDetails::default(),
        binding_message: Some("W4SCT".to_owned()),
        max_age_secs: Some(60),
        address: Some("192.0.2.7".to_owned()),
        at: START,
        expires_at: OVER,
        limits: BackchannelLimits { of_user: 1, of_pair: 1 },
    };
    let inserted = store.insert_backchannel_authentication(new).await.unwrap();
    assert_eq!(inserted, BackchannelInsertion::Stored);
}

/// Grants that are live, rotated, revoked and replayed, and one without a code.
async fn grants(store: &dyn Store, app: &Application, bob: &User, scopes: &ScopeSet) {
    let application = store.find_application(app.id).await.unwrap().unwrap();
    let consent = NewConsent {
        data: oauth::authorize::DataChange::instead(None),
        user: bob.id,
        user_epoch: bob.epoch,
        application: app.id,
        application_epoch: application.epoch,
        scopes: scopes.clone(),
        revocations_expire_at: OVER,
    };
    let allowed = store.allow(consent, event(Action::AllowApplication)).await.unwrap().unwrap().consent;
    let found = async |n: u64, origin: GrantOrigin, consent: Option<ConsentId>| {
        let new = NewGrant {
            application: app.id,
            application_epoch: app.epoch,
            user: bob.id,
            user_epoch: bob.epoch,
            origin,
            consent,
            session: None,
            scopes: if n == 0 { BuiltInScope::OData.into() } else { scopes.clone() },
            details: GrantDetails::default(),
            refreshable: n != 3,
            key: 1,
            at: START,
            expires_at: (n == 3).then_some(OVER),
        };
        store.create_grant(new, OVER, event(Action::ReplayCode)).await.unwrap()
    };
    let code = |n: u64| GrantOrigin::Code(CodeId::compose(START, n.to_be_bytes()));
    let mut ids: Vec<GrantId> = Vec::new();
    for n in 0..8 {
        let origin = if n == 3 { GrantOrigin::Password } else { code(n) };
        match found(n, origin, (n != 3).then_some(allowed.id)).await {
            GrantCreation::Grant(id) => ids.push(id),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(found(1, code(1), Some(allowed.id)).await, GrantCreation::Replayed(_)));
    store.rotate_grant(ids[0], 0, 1, START).await.unwrap();
    store.revoke_grant(ids[2], OVER, event(Action::RevokeToken)).await.unwrap();
    store.revoke_token(TokenId::from_bytes([5; 16]), OVER, event(Action::RevokeToken)).await.unwrap();
    let usage = Usage {
        applications: vec![(app.id, START)],
        secrets: app.secrets.iter().map(|secret| (secret.id, START)).collect(),
        grants: vec![(ids[4], START)],
        ..Usage::default()
    };
    store.record_usage(usage).await.unwrap();
}

//! What else stays withdrawn after a restore: keys of applications, used assertions, initial access tokens, trusted
//! origins and issuers, scopes.

use std::collections::BTreeMap;

use domain::account::second_factor::SealedTotpSecret;
use domain::account::{SealedOption, USER_ROLE};
use domain::allow_list::{AllowListOwner, AllowLists, ServerPart};
use domain::audit::Action;
use domain::id::SessionId;
use domain::secret::Digest;
use oauth::application::{Application, ApplicationSettings, AuthenticationMethod, ClientMetadata};
use oauth::client_authentication::AcceptedCredential;
use oauth::cors::NewTrustedOrigin;
use oauth::scope::{Assignment, BuiltInScope, NewResourceServer, NewScope, Risk};
use oauth::trusted_issuer::{IssuerSettings, NewTrustedIssuer};
use store::{
    AllowListStore as _, Amendment, Applications as _, ClientRegistrations as _, DataSources as _,
    NewDataSource, NewInitialAccessToken, NewPersonalAccessToken, NewSecondFactor, PersonalAccessTokens as _,
    ResourceServers as _, Sealing, SecondFactors as _, StoredKey, SystemSettings as _, TrustedIssuers as _,
    TrustedOrigins as _, UsedAssertions as _, Users as _,
};

use crate::stage::{Stage, at, event, insert_user, register, settings};

fn with_key(name: &str, x: &str) -> ApplicationSettings {
    let mut keyed = settings(name);
    let authentication = &mut keyed.client_metadata.authentication;
    authentication.token_endpoint_auth_method = Some(AuthenticationMethod::PrivateKeyJwt);
    let json = format!(r#"{{"jwks":{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}}}"#);
    let metadata = ClientMetadata::from_json(Some(&json)).unwrap();
    authentication.jwks = metadata.authentication.jwks;
    keyed
}

async fn keys_of(stage: &Stage, client: &Application) -> Option<oauth::jwt::Object> {
    let found = stage.open().find_application(client.id).await.unwrap().unwrap();
    found.settings.client_metadata.authentication.jwks
}

#[tokio::test]
async fn a_key_that_an_application_replaced_does_not_come_back() {
    let stage = Stage::new().await;
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let client = register(&store, &root, "Keyed", 1, 1).await;
    let update = async |x| {
        let amendment = Amendment::to(with_key("Keyed", x));
        let event = event(Action::UpdateApplication, 1);
        store.update_application(client.id, amendment, event).await.unwrap().unwrap();
    };
    update("leaked").await;
    let backup = stage.back_up("backup.db", 2);
    update("new").await;
    drop(store);
    stage.restore(&backup, 4);
    assert_eq!(keys_of(&stage, &client).await, with_key("Keyed", "new").client_metadata.authentication.jwks);
    // Without the current database nobody knows whether the key of the backup still holds.
    std::fs::remove_file(stage.database()).unwrap();
    let outcome = stage.restore(&backup, 5);
    assert_eq!(outcome.restored.secrets, 2, "one secret, and the keys of one application");
    assert_eq!(keys_of(&stage, &client).await, None);
    let found = stage.open().find_application(client.id).await.unwrap().unwrap();
    let credential = AcceptedCredential::of(&found.settings);
    assert_eq!(credential, AcceptedCredential::KeyAssertion, "no secret takes the place of the keys");
}

#[tokio::test]
async fn an_assertion_that_was_used_stays_used() {
    let stage = Stage::new().await;
    let store = stage.open();
    let (before, since) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    assert!(store.use_assertion(before, at(900)).await.unwrap());
    let backup = stage.back_up("backup.db", 2);
    assert!(store.use_assertion(since, at(900)).await.unwrap());
    drop(store);
    stage.restore(&backup, 4);
    let store = stage.open();
    for used in [before, since] {
        assert!(!store.use_assertion(used, at(900)).await.unwrap(), "{used:?}");
    }
}

#[tokio::test]
async fn a_personal_access_token_of_the_backup_is_not_valid_again() {
    let stage = Stage::new().await;
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let digest = Digest::from_bytes([1; 32]);
    let new = NewPersonalAccessToken {
        digest,
        user: root.id,
        user_epoch: root.epoch,
        name: "Excel".to_owned(),
        scopes: BuiltInScope::ODataRead.into(),
        data: None,
        at: at(1),
        expires_at: at(900),
    };
    let audit = event(Action::CreatePersonalAccessToken, 1);
    store.insert_personal_access_token(new, audit).await.unwrap().unwrap();
    let backup = stage.back_up("backup.db", 2);
    drop(store);
    stage.restore(&backup, 4);
    assert_eq!(stage.open().find_personal_access_token(&digest).await.unwrap(), None);
}

#[tokio::test]
async fn an_initial_access_token_of_the_backup_is_not_valid_again() {
    let stage = Stage::new().await;
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let new = |byte: u8| NewInitialAccessToken {
        digest: Digest::from_bytes([byte; 32]),
        description: String::new(),
        created_by: root.id,
        at: at(1),
        expires_at: at(900),
        most_uses: Some(1),
    };
    let mut ids = Vec::new();
    for byte in [1, 2] {
        let audit = event(Action::CreateInitialAccessToken, 1);
        ids.push(store.insert_initial_access_token(new(byte), audit).await.unwrap().unwrap().id);
    }
    let backup = stage.back_up("backup.db", 2);
    let audit = event(Action::DeleteInitialAccessToken, 3);
    store.delete_initial_access_token(ids[0], audit).await.unwrap().unwrap();
    drop(store);
    stage.restore(&backup, 4);
    let store = stage.open();
    assert_eq!(store.list_initial_access_tokens().await.unwrap(), []);
    for byte in [1, 2] {
        let digest = Digest::from_bytes([byte; 32]);
        assert_eq!(store.find_usable_initial_access_token(&digest, at(5)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_trusted_origin_that_was_removed_stays_removed() {
    let stage = Stage::new().await;
    let store = stage.open();
    let new = |domain: &str| NewTrustedOrigin {
        domain: domain.to_owned(),
        description: String::new(),
        modified_by: "root".to_owned(),
        at: at(1),
    };
    let (kept, gone) = ("https://kept.example", "https://gone.example");
    let added =
        store.insert_trusted_origins(vec![new(kept), new(gone)], event(Action::UpdateTrustedOrigin, 1));
    let added = added.await.unwrap().unwrap();
    let backup = stage.back_up("backup.db", 2);
    store.delete_trusted_origin(added[1].id, event(Action::DeleteTrustedOrigin, 3)).await.unwrap().unwrap();
    drop(store);
    stage.restore(&backup, 4);
    let listed = stage.open().list_trusted_origins().await.unwrap();
    assert_eq!(listed.iter().map(|origin| origin.domain.as_str()).collect::<Vec<_>>(), [kept]);
}

#[tokio::test]
async fn an_issuer_that_was_changed_or_deleted_is_not_trusted_again() {
    let stage = Stage::new().await;
    let store = stage.open();
    let names = ["https://kept.example", "https://changed.example", "https://gone.example"];
    let new = |issuer: &str, service: &str| NewTrustedIssuer {
        issuer: issuer.to_owned(),
        settings: IssuerSettings { service: Some(service.to_owned()), ..IssuerSettings::default() },
    };
    let mut ids = Vec::new();
    for name in names {
        let added = store.insert_trusted_issuer(new(name, name), event(Action::TrustIssuer, 1));
        ids.push(added.await.unwrap().unwrap().id);
    }
    let backup = stage.back_up("backup.db", 2);
    let changed = new(names[1], "other");
    let update = store.update_trusted_issuer(ids[1], changed, event(Action::UpdateTrustedIssuer, 3));
    update.await.unwrap().unwrap();
    store.delete_trusted_issuer(ids[2], event(Action::DeleteTrustedIssuer, 3)).await.unwrap().unwrap();
    drop(store);
    stage.restore(&backup, 4);
    let listed = stage.open().list_trusted_issuers().await.unwrap();
    assert_eq!(listed.iter().map(|issuer| issuer.issuer.as_str()).collect::<Vec<_>>(), names[..1]);
}

#[tokio::test]
async fn a_scope_that_was_deleted_or_narrowed_stays_so() {
    let stage = Stage::new().await;
    let store = stage.open();
    let orders =
        NewResourceServer { identifier: "https://orders.example".to_owned(), name: "Orders".to_owned() };
    let orders =
        store.insert_resource_server(orders, event(Action::CreateResourceServer, 1)).await.unwrap().unwrap();
    let new = |name: &str, assignment| NewScope {
        name: name.to_owned(),
        description: "Orders".to_owned(),
        risk: Risk::Low,
        assignment,
        implies: Vec::new(),
    };
    let add = async |name: &str| {
        let scope = new(name, Assignment::Anyone);
        store.insert_scope(orders.id, scope, event(Action::CreateScope, 1)).await.unwrap().unwrap()
    };
    let (gone, narrowed) = (add("orders.read").await, add("orders.write").await);
    let backup = stage.back_up("backup.db", 2);
    let administrators =
        new("orders.write", Assignment::Permission(domain::account::Permission::Administrator));
    store
        .update_scope(orders.id, narrowed.id, administrators, event(Action::UpdateScope, 3))
        .await
        .unwrap()
        .unwrap();
    store.delete_scope(orders.id, gone.id, event(Action::DeleteScope, 3)).await.unwrap().unwrap();
    let late = add("orders.late").await;
    drop(store);
    stage.restore(&backup, 4);
    let store = stage.open();
    let registry = store.scope_registry().await.unwrap();
    let ours: Vec<_> = registry.scopes().iter().filter(|scope| scope.resource_server == orders.id).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(
        (ours[0].id, ours[0].assignment),
        (narrowed.id, Assignment::Permission(domain::account::Permission::Administrator))
    );
    let next =
        store.insert_scope(orders.id, new("orders.next", Assignment::Anyone), event(Action::CreateScope, 5));
    assert!(next.await.unwrap().unwrap().id > late.id, "the number of a scope is never given twice");
}

#[tokio::test]
async fn sealed_options_survive_new_ring_keys_and_a_restore() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", USER_ROLE, 1).await;
    let sealed =
        |id| BTreeMap::from([("password".to_owned(), SealedOption::new(format!("sealed for {id}")))]);
    let new = NewDataSource {
        name: "shop".to_owned(),
        description: String::new(),
        data_store: 1,
        options: BTreeMap::new(),
        sealing: Sealing::new(sealed),
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        owner: ada.id,
        at: at(1),
    };
    let source = store.insert_data_source(new, event(Action::CreateDataSource, 1)).await.unwrap().unwrap();
    let key = StoredKey { id: 2, created_at: at(2), activates_at: at(2), sealed: b"second".to_vec() };
    assert!(store.insert_key(key, event(Action::RotateKeys, 2)).await.unwrap());
    assert_eq!(store.purge_keys(2, at(9)).await.unwrap(), [1]);
    let backup = stage.back_up("backup.db", 10);
    drop(store);
    stage.restore(&backup, 11);
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM ring_keys"), 1, "the ring starts again");
    let found = stage.open().find_data_source(source.id).await.unwrap().unwrap();
    assert_eq!(found.sealed_options, sealed(source.id));
}

#[tokio::test]
async fn the_second_factors_are_those_of_the_current_database() {
    for is_lost in [false, true] {
        let stage = Stage::new().await;
        let store = stage.open();
        let root = store.find_user_by_name("root").await.unwrap().unwrap();
        let codes = [1, 2].map(|byte| Digest::from_bytes([byte; 32]));
        let new = NewSecondFactor {
            user: root.id,
            user_epoch: root.epoch,
            secret: SealedTotpSecret::new(vec![7]),
            step: 100,
            recovery_codes: codes.to_vec(),
            session: SessionId::new(1),
            revocations_expire_at: at(900),
        };
        store.insert_second_factor(new, event(Action::AddSecondFactor, 1)).await.unwrap().unwrap();
        let backup = stage.back_up("backup.db", 2);
        assert!(store.use_totp_step(root.id, 104).await.unwrap());
        assert!(store.use_recovery_code(root.id, codes[0], event(Action::UseRecoveryCode, 3)).await.unwrap());
        drop(store);
        if is_lost {
            std::fs::remove_file(stage.database()).unwrap();
        }
        stage.restore(&backup, 4);
        let found = stage.open().find_second_factor(root.id).await.unwrap();
        let expected = (!is_lost).then_some((104, 1));
        assert_eq!(found.map(|factor| (factor.last_step, factor.recovery_codes)), expected);
        assert_eq!(stage.value::<i64>("SELECT count(*) FROM recovery_codes"), i64::from(!is_lost));
    }
}

#[tokio::test]
async fn the_allow_lists_are_those_of_the_current_database() {
    let lists = |network: &str| AllowLists::new([(ServerPart::DataAccess, vec![network.parse().unwrap()])]);
    for is_lost in [false, true] {
        let stage = Stage::new().await;
        let store = stage.open();
        let set = async |owner, lists| {
            store.set_allow_lists(owner, lists, event(Action::SetAllowLists, 1)).await.unwrap().unwrap();
        };
        let root = store.find_user_by_name("root").await.unwrap().unwrap();
        let client = register(&store, &root, "client", 1, 1).await;
        let owners = [AllowListOwner::System, AllowListOwner::Application(client.id)];
        for owner in owners {
            set(owner, lists("10.0.0.0/8")).await;
        }
        let backup = stage.back_up("backup.db", 2);
        set(owners[1], lists("10.0.0.0/24")).await;
        set(owners[0], AllowLists::default()).await;
        set(AllowListOwner::User(root.id), lists("10.1.0.0/16")).await;
        drop(store);
        if is_lost {
            std::fs::remove_file(stage.database()).unwrap();
        }
        stage.restore(&backup, 4);
        let expected = if is_lost {
            owners.map(|owner| (owner, lists("10.0.0.0/8"))).to_vec()
        } else {
            vec![(AllowListOwner::User(root.id), lists("10.1.0.0/16")), (owners[1], lists("10.0.0.0/24"))]
        };
        assert_eq!(stage.open().list_allow_lists().await.unwrap(), expected);
    }
}

//! Who owns and who made a thing after a restore, and what clients may do that registered themselves.

use std::collections::BTreeMap;

use domain::account::{ADMINISTRATOR_ROLE, User};
use domain::audit::Action;
use domain::handover::Handover;
use domain::secret::Digest;
use oauth::application::Application;
use store::{
    ApplicationRefusal, Applications as _, ClientRegistrations as _, DataSourceChange, DataSources as _,
    MaxAuthenticationAge, NewApplication, NewDataSource, NewRegistration, Possessions, Sealing, Users as _,
};
use store_sqlite::SqliteStore;

use crate::stage::{Stage, at, event, insert_user, register, settings};

const TOKEN: Digest = Digest::from_bytes([7; 32]);

async fn delete_user(store: &SqliteStore, user: &User, heir: &User, secs: i64) {
    let deleted = store.delete_user(
        user.id,
        Possessions::HandOver(heir.id),
        at(90_000),
        event(Action::DeleteUser, secs),
    );
    deleted.await.unwrap().unwrap();
}

fn new_source(owner: &User) -> NewDataSource {
    NewDataSource {
        name: "shop".to_owned(),
        description: String::new(),
        data_store: 1,
        options: BTreeMap::new(),
        sealing: Sealing::default(),
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        owner: owner.id,
        at: at(1),
    }
}

async fn register_itself(
    store: &SqliteStore,
    owner: &User,
    number: u8,
    most_clients: u32,
) -> Result<Application, ApplicationRefusal> {
    let new = NewApplication {
        client_id: format!("3f2504e0-4f89-41d3-9a0c-0305e82c34{number:02x}").parse().unwrap(),
        owner: owner.id,
        settings: settings("Agent"),
        secret: None,
        at: at(1),
    };
    let registration = NewRegistration { token: TOKEN, initial_token: None, most_clients };
    store.register_client(new, registration, event(Action::RegisterApplication, 1)).await.unwrap()
}

#[tokio::test]
async fn what_was_handed_over_keeps_its_new_owner_and_the_name_of_its_creator() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", ADMINISTRATOR_ROLE, 1).await;
    let heir = insert_user(&store, "heir", ADMINISTRATOR_ROLE, 1).await;
    let client = register(&store, &ada, "Reports", 1, 1).await;
    let source = store.insert_data_source(new_source(&ada), event(Action::CreateDataSource, 1));
    let source = source.await.unwrap().unwrap();
    let backup = stage.back_up("backup.db", 2);
    delete_user(&store, &ada, &heir, 3).await;
    drop(store);
    assert_eq!(stage.restore(&backup, 4).restored.users_deleted, 1);
    let store = stage.open();
    let expected = Some(Handover { created_by: "ada".to_owned(), at: at(3) });
    let client = store.find_application(client.id).await.unwrap().unwrap();
    assert_eq!((client.owner, client.created_by(), &client.handed_over), (heir.id, "ada", &expected));
    assert!(client.secrets.is_empty(), "the credentials that the handover removed stay removed");
    let source = store.find_data_source(source.id).await.unwrap().unwrap();
    assert_eq!((source.owner, source.handed_over), (heir.id, expected));
}

#[tokio::test]
async fn what_was_handed_over_to_a_stranger_to_the_backup_stays_with_its_creator() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", ADMINISTRATOR_ROLE, 1).await;
    let client = register(&store, &ada, "Reports", 1, 1).await;
    let backup = stage.back_up("backup.db", 2);
    let heir = insert_user(&store, "heir", ADMINISTRATOR_ROLE, 3).await;
    delete_user(&store, &ada, &heir, 3).await;
    drop(store);
    stage.restore(&backup, 4);
    let store = stage.open();
    let client = store.find_application(client.id).await.unwrap().unwrap();
    assert_eq!((client.owner, client.handed_over), (ada.id, None));
    assert!(client.secrets.is_empty());
    assert!(!store.find_user(ada.id).await.unwrap().unwrap().active, "she was deleted");
}

#[tokio::test]
async fn a_client_that_registered_itself_stays_one_without_its_token() {
    let stage = Stage::new().await;
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let client = register_itself(&store, &root, 1, 9).await.unwrap();
    let backup = stage.back_up("backup.db", 2);
    drop(store);
    let holds = async || {
        let store = stage.open();
        let found = store.find_registered_client(&client.client_id, &TOKEN).await.unwrap();
        assert!(found.is_none(), "it could replace the registration");
        assert!(store.find_application(client.id).await.unwrap().is_some());
        let full = register_itself(&store, &root, 2, 1).await;
        assert_eq!(full.unwrap_err(), ApplicationRefusal::TooManyRegistrations, "it counts");
        // Whether it was used since the backup is not known.
        let unused = async |secs| store.unused_registered_clients(at(secs), 9).await.unwrap();
        (unused(10).await, unused(11).await)
    };
    stage.restore(&backup, 10);
    assert_eq!(holds().await, (vec![], vec![client.id]));
    // Nor does it get the token back if nobody knows what ended since.
    std::fs::remove_file(stage.database()).unwrap();
    stage.restore(&backup, 10);
    assert_eq!(holds().await, (vec![], vec![client.id]));
    std::fs::remove_file(stage.database()).unwrap();
    stage.restore_as(&backup, 10, Some(store::Credentials::TrustBackup), None).unwrap();
    assert_eq!(holds().await, (vec![], vec![client.id]));
}

#[tokio::test]
async fn a_demand_for_a_recent_sign_in_is_not_lost() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", ADMINISTRATOR_ROLE, 1).await;
    let source = store.insert_data_source(new_source(&ada), event(Action::CreateDataSource, 1));
    let source = source.await.unwrap().unwrap().id;
    let demand = async |age, secs| {
        let change = DataSourceChange {
            name: None,
            description: String::new(),
            options: None,
            judged_for: None,
            max_authentication_age: Some(age),
            requires_second_factor: Some(age == MaxAuthenticationAge::Secs(300)),
            writable: None,
            at: at(secs),
        };
        let store = stage.open();
        store
            .update_data_source(source, change, event(Action::UpdateDataSource, secs))
            .await
            .unwrap()
            .unwrap();
    };
    drop(store);
    let backup = stage.back_up("none.db", 2);
    demand(MaxAuthenticationAge::Secs(300), 3).await;
    stage.restore(&backup, 4);
    let demanded =
        async || stage.open().find_data_source(source).await.unwrap().unwrap().max_authentication_age;
    assert_eq!(demanded().await, Some(300));
    assert!(stage.open().find_data_source(source).await.unwrap().unwrap().requires_second_factor);
    let backup = stage.back_up("some.db", 5);
    for (age, expected) in [
        (MaxAuthenticationAge::Secs(600), 300),
        (MaxAuthenticationAge::Any, 300),
        (MaxAuthenticationAge::Secs(60), 60),
    ] {
        demand(age, 6).await;
        stage.restore(&backup, 7);
        assert_eq!(demanded().await, Some(expected), "{age:?}");
    }
}

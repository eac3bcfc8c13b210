//! What happens to the applications and data sources of a deleted user.

use std::sync::Arc;

use domain::account::{Permission, USER_ROLE};
use domain::audit::Action;
use domain::handover::Handover;
use domain::id::{Epoch, UserId};
use oauth::application::ClientMetadata;
use oauth::revocation::RevokedSubject;

use super::rights::insert_role;
use super::users::{change, subjects, update};
use super::{OVER, START, World, event, event_at, insert_user, settings_named};
use crate::{
    Amendment, ApplicationFilter, DeletedUser, NewApplication, NewConsent, Owned, Possessions, Sharing,
    Store, UserChange, UserRefusal,
};

pub async fn an_owner_cannot_be_deleted(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    let delete = || delete(&world, Possessions::Keep);
    let owned = Owned {
        applications: 1,
        application_names: vec!["Report".to_owned()],
        data_sources: 1,
        data_source_names: vec!["sales".to_owned()],
    };
    assert_eq!(delete().await.unwrap_err(), UserRefusal::StillOwns(owned));
    let application = world.application.id;
    world
        .store
        .delete_application(application, OVER, event(Action::DeleteApplication))
        .await
        .unwrap()
        .unwrap();
    world.store.delete_data_source(source.id, event(Action::DeleteDataSource)).await.unwrap().unwrap();
    delete().await.unwrap();
    assert_eq!(delete().await.unwrap_err(), UserRefusal::Unknown);
}

pub async fn what_a_deleted_user_owned_can_be_handed_over(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    let heir = insert_user(&world.store, "heir", &[USER_ROLE]).await.unwrap().id;
    let sharing = Sharing::With(vec![heir, world.administrator.id]);
    world.store.share_data_source(source.id, sharing, event(Action::ShareDataSource)).await.unwrap().unwrap();
    let inactive = insert_user(&world.store, "inactive", &[]).await.unwrap();
    update(&world, &inactive, UserChange { active: Some(false), ..change() }).await.unwrap();
    for nobody in [world.user.id, UserId::new(77), inactive.id] {
        let refused = delete(&world, Possessions::HandOver(nobody)).await;
        assert_eq!(refused.unwrap_err(), UserRefusal::UnknownHeir);
    }
    let before = world.store.versions().await.unwrap();
    let deleted = delete(&world, Possessions::HandOver(heir)).await.unwrap();
    assert_eq!(subjects(&deleted.ended), [RevokedSubject::User { user: world.user.id, epoch: Epoch::GONE }]);
    assert_eq!(deleted.data_sources, []);
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert_eq!((application.owner, application.owner_name.as_str()), (heir, "heir"));
    assert_eq!((application.created_by(), application.created_at), ("bob", world.application.created_at));
    assert_eq!(application.handed_over, Some(handover()));
    assert_eq!(application.epoch, world.application.epoch, "the access that others granted stays");
    assert!(application.secrets.is_empty(), "anybody who knows the old secret could act for the new owner");
    let source = world.store.find_data_source(source.id).await.unwrap().unwrap();
    assert_eq!((source.owner, source.shared_with), (heir, vec![world.administrator.id]));
    assert_eq!(source.handed_over, Some(handover()));
    let after = world.store.versions().await.unwrap();
    assert!(after.applications > before.applications && after.data_sources > before.data_sources);
}

pub async fn what_is_handed_over_goes_to_somebody_who_can_use_it(store: Arc<dyn Store>) {
    use Permission::{Administrator, MgmtAPI, UseDataSourceWithOData, ViewDataSource};
    let world = World::new(store).await;
    let heir = async |name: &str, permissions: &[Permission]| {
        let role = insert_role(&world.store, name, permissions.to_vec()).await;
        insert_user(&world.store, name, &[role.id]).await.unwrap().id
    };
    let lacking = |missing: &[Permission]| Err(UserRefusal::HeirLacks(missing.to_vec()));
    let manager = heir("manager", &[MgmtAPI]).await;
    let reader = heir("reader", &[ViewDataSource, UseDataSourceWithOData]).await;
    let nothing = insert_user(&world.store, "nothing", &[]).await.unwrap().id;
    for (heir, missing) in [(reader, &[MgmtAPI][..]), (nothing, &[MgmtAPI])] {
        assert_eq!(delete(&world, Possessions::HandOver(heir)).await.map(drop), lacking(missing));
    }
    super::data_sources::insert(&world, "sales").await.unwrap();
    for (heir, missing) in [
        (manager, &[ViewDataSource, UseDataSourceWithOData][..]),
        (reader, &[MgmtAPI]),
        (nothing, &[ViewDataSource, UseDataSourceWithOData, MgmtAPI]),
    ] {
        assert_eq!(delete(&world, Possessions::HandOver(heir)).await.map(drop), lacking(missing));
    }
    assert!(world.store.find_user(world.user.id).await.unwrap().is_some(), "nothing was changed");
    let chief = heir("chief", &[Administrator]).await;
    delete(&world, Possessions::HandOver(chief)).await.unwrap();
    let poor = World { user: world.store.find_user(nothing).await.unwrap().unwrap(), ..world };
    delete(&poor, Possessions::HandOver(reader)).await.expect("there is nothing to hand over");
}

/// Whoever has the private key of an application could otherwise act for its new owner.
pub async fn the_keys_of_an_application_do_not_go_to_its_new_owner(store: Arc<dyn Store>) {
    const KEPT: &str = r#"{"token_endpoint_auth_method":"private_key_jwt","later_member":1}"#;
    let world = World::new(store).await;
    let heir = insert_user(&world.store, "heir", &[USER_ROLE]).await.unwrap().id;
    let mut settings = settings_named("Signs");
    let id = world.application.id;
    for credential in [
        r#""jwks":{"keys":[{"kty":"EC"}]}"#,
        r#""jwks_uri":"https://dismissed.example.com/keys""#,
        r#""tls_client_auth":{"san_dns":"dismissed.example.com"}"#,
    ] {
        let json = format!("{},{credential}}}", KEPT.strip_suffix('}').unwrap());
        settings.client_metadata = ClientMetadata::from_json(Some(&json)).unwrap();
        assert!(settings.client_metadata.authentication.clone().remove_credentials(), "{json}");
        let new = NewApplication {
            client_id: format!("00000000-0000-4000-8000-{:012x}", json.len()).parse().unwrap(),
            owner: world.user.id,
            settings: settings.clone(),
            secret: None,
            at: START,
        };
        let registered = world.store.insert_application(new, event(Action::RegisterApplication)).await;
        registered.unwrap().unwrap();
    }
    let others = super::insert_application(&world.store, &world.administrator, 200).await;
    let kept = Amendment::to(settings.clone());
    world.store.update_application(others.id, kept, event(Action::UpdateApplication)).await.unwrap().unwrap();
    delete(&world, Possessions::HandOver(heir)).await.unwrap();
    let filter = ApplicationFilter { owner: Some(heir), after: Some(id), limit: None, query: None };
    let inherited = world.store.list_applications(filter).await.unwrap();
    assert_eq!(inherited.len(), 3);
    for application in inherited {
        let left = application.settings.client_metadata;
        assert_eq!(left, ClientMetadata::from_json(Some(KEPT)).unwrap());
    }
    let others = world.store.find_application(others.id).await.unwrap().unwrap();
    assert_eq!(others.settings.client_metadata, settings.client_metadata, "its owner stays");
}

/// The handover with the time of the events in these tests.
fn handover() -> Handover {
    Handover { created_by: "bob".to_owned(), at: START }
}

pub async fn who_made_a_thing_is_kept_however_often_it_is_handed_over(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    assert_eq!((source.handed_over, world.application.handed_over.clone()), (None, None));
    let allowing = NewConsent { user: world.administrator.id, ..world.new_consent().await };
    world.store_consent(allowing).await.unwrap();
    let heir = insert_user(&world.store, "first", &[USER_ROLE]).await.unwrap().id;
    let last = insert_user(&world.store, "second", &[USER_ROLE]).await.unwrap().id;
    delete(&world, Possessions::HandOver(heir)).await.unwrap();
    let later = event_at(Action::DeleteUser, START.plus_secs(60));
    world.store.delete_user(heir, Possessions::HandOver(last), OVER, later).await.unwrap().unwrap();
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    let expected = Some(Handover { created_by: "bob".to_owned(), at: START.plus_secs(60) });
    assert_eq!((application.owner_name.as_str(), &application.handed_over), ("second", &expected));
    let source = world.store.find_data_source(source.id).await.unwrap().unwrap();
    assert_eq!((source.owner, source.handed_over), (last, expected.clone()));
    let allowed = world.store.list_allowed(world.administrator.id, START, None, 10).await.unwrap();
    assert_eq!((allowed[0].owner_name.as_str(), &allowed[0].handed_over), ("second", &expected));
}

pub async fn what_a_deleted_user_owned_can_go_with_its_owner(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    let grant = world.grant(1).await;
    let deleted = delete(&world, Possessions::Delete).await.unwrap();
    let application = world.application.id;
    let ended = [
        RevokedSubject::Application { application, epoch: Epoch::GONE },
        RevokedSubject::User { user: world.user.id, epoch: Epoch::GONE },
    ];
    assert_eq!(subjects(&deleted.ended), ended);
    assert_eq!(deleted.data_sources, [source.id]);
    assert!(world.store.find_application(application).await.unwrap().is_none());
    assert!(world.store.find_data_source(source.id).await.unwrap().is_none());
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    let feed = world.store.revocations_after(0, START, 10).await.unwrap();
    assert_eq!(subjects(&feed), ended);
}

async fn delete(world: &World, possessions: Possessions) -> Result<DeletedUser, UserRefusal> {
    world.store.delete_user(world.user.id, possessions, OVER, event(Action::DeleteUser)).await.unwrap()
}

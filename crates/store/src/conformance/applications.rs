//! Tests of registered applications.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::{ApplicationId, SecretId};
use oauth::application::ApplicationSettings;

use super::{OVER, START, World, event, insert_application, new_secret, settings_named};
use crate::{
    Amendment, ApplicationFilter, ApplicationRefusal, NewApplication, NewConsent, Store, UserChange,
};

pub async fn an_application_is_stored_as_it_was_given(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert_eq!(application.settings, settings_named("Report"));
    assert_eq!((application.owner, application.owner_name.as_str()), (world.user.id, "bob"));
    assert_eq!((application.created_at, application.last_used_at), (START, None));
    let by_client = world.store.find_application_by_client_id(&application.client_id).await.unwrap().unwrap();
    assert_eq!(by_client.id, application.id);
    let [secret] = application.secrets.as_slice() else { panic!("one secret") };
    assert_eq!((secret.digest.as_bytes(), secret.hint.as_str(), secret.expires_at), (&[1; 32], "0001", None));
}

pub async fn the_url_of_a_document_is_stored_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let new = || NewApplication {
        client_id: "https://app.example.com/client".parse().unwrap(),
        owner: world.administrator.id,
        settings: settings_named("Agent"),
        secret: None,
        at: START,
    };
    let insert = || world.store.insert_application(new(), event(Action::RegisterApplication));
    let first = insert().await.unwrap().unwrap();
    assert_eq!(insert().await.unwrap().unwrap_err(), ApplicationRefusal::ClientIdTaken);
    let found = world.store.find_application_by_client_id(&new().client_id).await.unwrap().unwrap();
    assert_eq!((found.id, found.client_id), (first.id, new().client_id));
}

pub async fn applications_are_listed_by_owner_page_and_words(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let second = insert_application(&world.store, &world.administrator, 2).await;
    let third = insert_application(&world.store, &world.user, 3).await;
    let renamed = ApplicationSettings { name: "Ärger".to_owned(), ..settings_named("") };
    update(&world, third.id, renamed).await.unwrap();
    let ids = async |filter| {
        let listed = world.store.list_applications(filter).await.unwrap();
        listed.into_iter().map(|application| application.id).collect::<Vec<_>>()
    };
    let all = ApplicationFilter::default;
    assert_eq!(ids(all()).await, [world.application.id, second.id, third.id]);
    assert_eq!(
        ids(ApplicationFilter { owner: Some(world.user.id), ..all() }).await,
        [world.application.id, third.id]
    );
    let page = ApplicationFilter { after: Some(world.application.id), limit: Some(1), ..all() };
    assert_eq!(ids(page).await, [second.id]);
    let words = |query: &str| ApplicationFilter { query: Some(query.to_owned()), ..all() };
    assert_eq!(ids(words("äRG")).await, [third.id]);
    assert_eq!(ids(words("shows FIG")).await.len(), 3);
    assert_eq!(ids(words("100%")).await, []);
}

pub async fn settings_are_replaced_and_the_epoch_stays(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let settings = ApplicationSettings { redirect_urls: vec![], logo_url: None, ..settings_named("Other") };
    let updated = update(&world, world.application.id, settings.clone()).await.unwrap();
    assert_eq!((updated.settings, updated.epoch), (settings, world.application.epoch));
    assert_eq!(updated.secrets.len(), 1);
}

pub async fn an_unknown_application_is_refused_everywhere(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = ApplicationId::new(77);
    let store = &world.store;
    let unknown = ApplicationRefusal::Unknown;
    assert!(store.find_application(id).await.unwrap().is_none());
    assert_eq!(update(&world, id, settings_named("Other")).await.unwrap_err(), unknown);
    let deleted = store.delete_application(id, OVER, event(Action::DeleteApplication)).await.unwrap();
    assert_eq!(deleted.unwrap_err(), unknown);
    let reset = store.reset_secret(id, new_secret(9), OVER, event(Action::ResetSecret)).await.unwrap();
    assert_eq!(reset.unwrap_err(), unknown);
    let added = store.add_secret(id, new_secret(9), OVER, event(Action::AddSecret)).await.unwrap();
    assert_eq!(added.unwrap_err(), unknown);
    let ended = store.end_secret(id, SecretId::new(1), event(Action::EndSecret)).await.unwrap();
    assert_eq!(ended.unwrap_err(), unknown);
    let consent = NewConsent { application: id, ..world.new_consent().await };
    assert_eq!(store.allow(consent, event(Action::AllowApplication)).await.unwrap(), None);
}

pub async fn a_renamed_owner_is_renamed_in_the_application(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let before = world.store.versions().await.unwrap().applications;
    let change = UserChange { name: Some("robert".to_owned()), at: START, ..UserChange::default() };
    world.store.update_user(world.user.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert_eq!(application.owner_name, "robert");
    assert!(world.store.versions().await.unwrap().applications > before);
}

async fn update(
    world: &World,
    id: ApplicationId,
    settings: ApplicationSettings,
) -> Result<oauth::application::Application, ApplicationRefusal> {
    let amendment = Amendment::to(settings);
    let updated = world.store.update_application(id, amendment, event(Action::UpdateApplication)).await;
    updated.unwrap().map(|(application, _)| application)
}

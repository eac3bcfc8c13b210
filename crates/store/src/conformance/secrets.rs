//! Tests of the secrets of applications.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::{Epoch, SecretId};
use oauth::application::{Application, ApplicationSettings, AuthenticationMethod, ClientType};
use oauth::revocation::RevokedSubject;

use super::{OVER, START, World, event, event_at, new_secret, settings_named};
use crate::{Amendment, ApplicationRefusal, NewSecret, SealedSecret, Store};

pub async fn a_second_secret_gives_the_first_an_expiry_and_a_third_is_refused(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let application = add(&world, 2).await.unwrap();
    let expiries: Vec<_> = application.secrets.iter().map(|secret| secret.expires_at).collect();
    assert_eq!(expiries, [Some(START.plus_secs(60)), None]);
    assert_eq!(application.epoch, world.application.epoch);
    assert_eq!(add(&world, 3).await.unwrap_err(), ApplicationRefusal::TwoLiveSecrets);
    let later = event_at(Action::AddSecret, START.plus_secs(60));
    let added = world.store.add_secret(world.application.id, new_secret(4), OVER, later).await.unwrap();
    assert_eq!(added.unwrap().secrets.len(), 3, "an expired secret is not counted");
}

pub async fn ending_one_secret_lets_the_other_live_on(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let application = add(&world, 2).await.unwrap();
    let (older, newer) = (application.secrets[0].id, application.secrets[1].id);
    assert_eq!(end(&world, SecretId::new(77)).await.unwrap_err(), ApplicationRefusal::UnknownSecret);
    let left = end(&world, newer).await.unwrap().secrets;
    assert_eq!(left.iter().map(|secret| (secret.id, secret.expires_at)).collect::<Vec<_>>(), [(older, None)]);
    assert_eq!(end(&world, older).await.unwrap_err(), ApplicationRefusal::LastSecret);
}

pub async fn a_public_application_has_no_secrets(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = world.application.id;
    let settings = ApplicationSettings { client_type: ClientType::Public, ..settings_named("Public") };
    let updated = world
        .store
        .update_application(id, Amendment::to(settings), event(Action::UpdateApplication))
        .await
        .unwrap();
    assert!(updated.unwrap().0.secrets.is_empty());
    assert_eq!(add(&world, 2).await.unwrap_err(), ApplicationRefusal::Public);
    let reset = world.store.reset_secret(id, new_secret(3), OVER, event(Action::ResetSecret)).await.unwrap();
    assert_eq!(reset.unwrap_err(), ApplicationRefusal::Public);
}

pub async fn a_reset_leaves_one_secret_and_ends_all_access(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (consent, grant) = (world.allow().await, world.grant(1).await);
    add(&world, 2).await.unwrap();
    let reset =
        world.store.reset_secret(world.application.id, new_secret(3), OVER, event(Action::ResetSecret));
    let (application, ended) = reset.await.unwrap().unwrap();
    let digests: Vec<_> = application.secrets.iter().map(|secret| *secret.digest.as_bytes()).collect();
    assert_eq!(digests, [[3; 32]]);
    assert_eq!(application.epoch, Epoch::new(world.application.epoch.get() + 1));
    let subject = RevokedSubject::Application { application: application.id, epoch: application.epoch };
    assert_eq!((ended[0].subject, ended[0].at, ended[0].expires_at), (subject, START, OVER));
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    assert_eq!(world.store.find_consent(consent.user, consent.application).await.unwrap(), None);
    assert_eq!(world.store.list_allowed(world.user.id, START, None, 9).await.unwrap(), []);
}

pub async fn a_secret_is_readable_only_while_it_verifies_assertions(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let sealed = |application: &Application| {
        let all = application.secrets.iter();
        all.map(|secret| (secret.digest.as_bytes()[0], secret.sealed.clone())).collect::<Vec<_>>()
    };
    let readable = |n: u8| NewSecret { sealed: SealedSecret::IfNeeded(vec![n]), ..new_secret(n) };
    let update = async |method, fresh| {
        let mut settings = settings_named("Assertions");
        settings.client_metadata.authentication.token_endpoint_auth_method = Some(method);
        let amendment = Amendment::to(settings).with_secret(readable(fresh));
        let id = world.application.id;
        let updated = world.store.update_application(id, amendment, event(Action::UpdateApplication));
        sealed(&updated.await.unwrap().unwrap().0)
    };
    let add = async |secret: NewSecret| {
        let (id, event) = (world.application.id, event(Action::AddSecret));
        sealed(&world.store.add_secret(id, secret, START.plus_secs(60), event).await.unwrap().unwrap())
    };
    let reset = async |secret: NewSecret| {
        let (id, event) = (world.application.id, event(Action::ResetSecret));
        sealed(&world.store.reset_secret(id, secret, OVER, event).await.unwrap().unwrap().0)
    };
    let (basic, jwt) = (AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretJwt);
    assert_eq!(add(readable(2)).await[1], (2, None), "only if it is needed");
    assert_eq!(update(jwt, 3).await, [(3, Some(vec![3]))], "the unreadable ones are replaced");
    assert_eq!(update(jwt, 4).await, [(3, Some(vec![3]))], "once");
    assert_eq!(add(readable(5)).await, [(3, Some(vec![3])), (5, Some(vec![5]))]);
    assert_eq!(update(basic, 6).await, [(3, None), (5, None)], "nothing stays readable");
    assert_eq!(reset(readable(7)).await, [(7, None)]);
    let revealed = NewSecret { sealed: SealedSecret::Always(vec![8]), ..new_secret(8) };
    assert_eq!(reset(revealed).await, [(8, Some(vec![8]))]);
    assert_eq!(update(jwt, 9).await, [(8, Some(vec![8]))], "it is readable already");
}

async fn add(world: &World, n: u8) -> Result<Application, ApplicationRefusal> {
    let older_expires_at = START.plus_secs(60);
    let id = world.application.id;
    world.store.add_secret(id, new_secret(n), older_expires_at, event(Action::AddSecret)).await.unwrap()
}

async fn end(world: &World, secret: SecretId) -> Result<Application, ApplicationRefusal> {
    world.store.end_secret(world.application.id, secret, event(Action::EndSecret)).await.unwrap()
}

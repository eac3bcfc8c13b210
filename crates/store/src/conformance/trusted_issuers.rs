//! Tests of trusted issuers.

use std::sync::Arc;

use domain::account::attributes::{Attribute, UserAttributes};
use domain::audit::Action;
use domain::id::{TrustedIssuerId, UserId};
use oauth::trusted_issuer::{IssuerSettings, MOST_TRUSTED_ISSUERS, NewTrustedIssuer, Purpose, TrustedIssuer};

use super::{START, World, event, event_at};
use crate::{AuditFilter, Judged, NewAttributes, Store, TrustedIssuerRefusal, UserChange};

fn new_issuer(issuer: &str, service: Option<&str>) -> NewTrustedIssuer {
    let settings = IssuerSettings {
        purposes: vec![Purpose::AccessToken, Purpose::IdentityAssertion],
        service: service.map(str::to_owned),
        subjects: [("zoë".to_owned(), "Zoë".to_owned())].into(),
        ..IssuerSettings::default()
    };
    NewTrustedIssuer { issuer: issuer.to_owned(), settings }
}

async fn add(
    store: &Arc<dyn Store>,
    issuer: &str,
    service: Option<&str>,
) -> Judged<TrustedIssuer, TrustedIssuerRefusal> {
    store.insert_trusted_issuer(new_issuer(issuer, service), event(Action::TrustIssuer)).await.unwrap()
}

async fn all(store: &Arc<dyn Store>) -> Vec<TrustedIssuer> {
    store.list_trusted_issuers().await.unwrap()
}

pub async fn a_trusted_issuer_is_stored_changed_and_deleted(store: Arc<dyn Store>) {
    let mut before = store.versions().await.unwrap().limits;
    let mut nodes_learn = async |what: &str| {
        let now = store.versions().await.unwrap().limits;
        assert!(now > before, "{what}");
        before = now;
    };
    let added = add(&store, "https://idp.example.com", Some("corporate")).await.unwrap();
    nodes_learn("a new issuer").await;
    assert_eq!((added.created_at, added.updated_at), (START, START));
    assert_eq!(all(&store).await, std::slice::from_ref(&added));
    let later = START.plus_secs(60);
    let new = new_issuer("https://idp.example.net", Some("corporate"));
    let audit = event_at(Action::UpdateTrustedIssuer, later);
    let changed = store.update_trusted_issuer(added.id, new, audit).await.unwrap().unwrap();
    nodes_learn("a changed issuer").await;
    assert_eq!((changed.created_at, changed.updated_at), (START, later));
    assert_eq!(all(&store).await, std::slice::from_ref(&changed));
    let delete = event(Action::DeleteTrustedIssuer);
    assert_eq!(store.delete_trusted_issuer(added.id, delete.clone()).await.unwrap(), Ok(changed));
    nodes_learn("a deleted issuer").await;
    let again = store.delete_trusted_issuer(added.id, delete).await.unwrap();
    assert_eq!(again, Err(TrustedIssuerRefusal::Unknown));
    let next = add(&store, "https://idp.example.com", None).await.unwrap();
    assert!(next.id > added.id, "a number is given once");
    let events = store.list_audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 4, "one event for each change, none for refusals");
}

pub async fn refused_changes_of_trusted_issuers_change_nothing(store: Arc<dyn Store>) {
    let one = add(&store, "https://one.example.com", Some("corporate")).await.unwrap();
    let other = add(&store, "https://other.example.com", None).await.unwrap();
    let (before, version) = (all(&store).await, store.versions().await.unwrap().limits);
    let taken = add(&store, "https://one.example.com", None).await;
    assert_eq!(taken, Err(TrustedIssuerRefusal::IssuerTaken));
    let taken = add(&store, "https://three.example.com", Some("corporate")).await;
    assert_eq!(taken, Err(TrustedIssuerRefusal::ServiceTaken));
    let update = async |id, new| {
        let audit = event(Action::UpdateTrustedIssuer);
        store.update_trusted_issuer(id, new, audit).await.unwrap().unwrap_err()
    };
    let unknown = TrustedIssuerId::new(77);
    let new = new_issuer("https://one.example.com", None);
    assert_eq!(update(unknown, new.clone()).await, TrustedIssuerRefusal::Unknown);
    assert_eq!(update(other.id, new).await, TrustedIssuerRefusal::IssuerTaken);
    let new = new_issuer("https://other.example.com", Some("corporate"));
    assert_eq!(update(other.id, new).await, TrustedIssuerRefusal::ServiceTaken);
    assert_eq!((all(&store).await, store.versions().await.unwrap().limits), (before, version));
    for n in 2..MOST_TRUSTED_ISSUERS {
        add(&store, &format!("https://{n}.example.com"), None).await.unwrap();
    }
    let full = add(&store, "https://last.example.com", None).await;
    assert_eq!(full, Err(TrustedIssuerRefusal::TooMany));
    let audit = event(Action::UpdateTrustedIssuer);
    let same = new_issuer(&one.issuer, Some("corporate"));
    store.update_trusted_issuer(one.id, same, audit).await.unwrap().unwrap();
}

pub async fn only_verified_mail_addresses_name_users(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let user = world.user.id;
    let say = async |id: UserId, email: &str, verified: bool| {
        let mut attributes = UserAttributes::default();
        attributes.set(Attribute::Email, email);
        attributes.email_verified = verified;
        let change = UserChange { attributes: Some(NewAttributes::Set(attributes)), ..UserChange::default() };
        world.store.update_user(id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    };
    let found = async |email: &str| world.store.users_with_verified_email(email).await.unwrap();
    assert_eq!(found("zoe@example.com").await, []);
    say(user, "Zoe@Example.com", false).await;
    assert_eq!(found("zoe@example.com").await, [], "a user may have written it down");
    say(user, "Zoe@Example.com", true).await;
    assert_eq!(found("zoe@EXAMPLE.com").await, [user]);
    assert_eq!(found("zoe@example.org").await, []);
}

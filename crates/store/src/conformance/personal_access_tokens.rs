//! Tests of personal access tokens.

use std::sync::Arc;

use domain::account::{ADMINISTRATOR_ROLE, Authority, Credential, Permission, Rights, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::{DataSourceId, PersonalAccessTokenId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::data_access::{DataAccess, SourceAccess};
use oauth::personal_access_token::{MOST_OF_A_USER, PersonalAccessToken};
use oauth::scope::BuiltInScope;

use super::{OVER, START, World, event, insert_user};
use crate::{
    AccessOf, AuditFilter, NewPersonalAccessToken, PersonalAccessTokenRefusal, Possessions, Purge, Store,
    Usage, UserChange,
};

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

fn new(user: &User, number: u8) -> NewPersonalAccessToken {
    let source = SourceAccess::new(DataSourceId::new(3), Vec::new());
    NewPersonalAccessToken {
        digest: digest(number),
        user: user.id,
        user_epoch: user.epoch,
        name: format!("Excel {number}"),
        scopes: BuiltInScope::OData.into(),
        data: Some(Box::new(DataAccess::to(vec![source]).changing([DataSourceId::new(3)]))),
        at: START,
        expires_at: OVER,
    }
}

async fn insert(store: &Arc<dyn Store>, new: NewPersonalAccessToken) -> PersonalAccessToken {
    let audit = event(Action::CreatePersonalAccessToken);
    store.insert_personal_access_token(new, audit).await.unwrap().unwrap()
}

async fn is_found(store: &Arc<dyn Store>, number: u8) -> bool {
    store.find_personal_access_token(&digest(number)).await.unwrap().is_some()
}

pub async fn a_personal_access_token_is_found_by_its_digest_and_ended_by_its_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, ada) = (&world.store, &world.administrator);
    let other = insert_user(store, "grace", &[ADMINISTRATOR_ROLE]).await.unwrap();
    let made = insert(store, new(ada, 1)).await;
    let NewPersonalAccessToken { name, scopes, data, .. } = new(ada, 1);
    let expected = PersonalAccessToken {
        id: made.id,
        user: ada.id,
        user_epoch: ada.epoch,
        name,
        scopes,
        data,
        created_at: START,
        expires_at: OVER,
        last_used_at: None,
    };
    assert_eq!(made, expected);
    assert_eq!(store.find_personal_access_token(&digest(1)).await.unwrap(), Some(expected.clone()));
    assert!(!is_found(store, 2).await);
    let unlimited = insert(store, NewPersonalAccessToken { data: None, ..new(ada, 2) }).await;
    assert_eq!(unlimited.data, None);
    assert_eq!(store.list_personal_access_tokens(ada.id).await.unwrap(), [expected, unlimited]);
    assert_eq!(store.list_personal_access_tokens(other.id).await.unwrap(), []);
    let versions = store.versions().await.unwrap();
    let end = async |user: &User, id: PersonalAccessTokenId| {
        let audit = event(Action::EndPersonalAccessToken);
        store.delete_personal_access_token(user.id, id, audit).await.unwrap()
    };
    assert_eq!(end(&other, made.id).await, Err(PersonalAccessTokenRefusal::Unknown));
    assert_eq!(end(ada, made.id).await, Ok(()));
    assert_eq!(end(ada, made.id).await, Err(PersonalAccessTokenRefusal::Unknown));
    assert!(!is_found(store, 1).await && is_found(store, 2).await);
    assert_ne!(store.versions().await.unwrap().users, versions.users, "other nodes learn of it");
    let filter =
        AuditFilter { action: Some(Action::EndPersonalAccessToken), limit: 9, ..AuditFilter::default() };
    let events = store.list_audit(filter).await.unwrap();
    assert_eq!(events[0].event.subject.as_deref(), Some(format!("{} (Excel 1)", made.id).as_str()));
    assert_eq!(events.len(), 1);
}

pub async fn personal_access_tokens_end_with_all_other_access_of_their_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let names = ["password", "revoked", "inactive", "deleted", "old"];
    for (number, name) in (1_u8..).zip(names) {
        let user = insert_user(store, name, &[]).await.unwrap();
        insert(store, new(&user, number)).await;
        let change = match name {
            "password" => UserChange {
                password: Some(domain::secret::PasswordHash::new("$argon2id$other")),
                ..UserChange::default()
            },
            _ => UserChange { active: Some(false), ..UserChange::default() },
        };
        match name {
            "revoked" => {
                let access = AccessOf::User(user.id);
                store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap();
            }
            "deleted" => {
                let audit = event(Action::DeleteUser);
                store.delete_user(user.id, Possessions::Keep, OVER, audit).await.unwrap().unwrap();
            }
            "old" => {
                let access = AccessOf::IssuedBefore(START.plus_secs(1));
                store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap();
            }
            _ => {
                let audit = event(Action::UpdateUser);
                store.update_user(user.id, change, audit).await.unwrap().unwrap();
            }
        }
        assert!(!is_found(store, number).await, "{name}");
        assert_eq!(store.list_personal_access_tokens(user.id).await.unwrap(), [], "{name}");
        let late =
            store.insert_personal_access_token(new(&user, 99), event(Action::CreatePersonalAccessToken));
        let late = late.await.unwrap();
        if name != "old" {
            assert_eq!(late, Err(PersonalAccessTokenRefusal::RightsChanged), "{name}");
        }
    }
}

pub async fn a_user_has_a_limited_number_of_personal_access_tokens(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, ada) = (&world.store, &world.administrator);
    for number in 0..u8::try_from(MOST_OF_A_USER).unwrap() {
        let expires_at = if number == 0 { START.plus_secs(10) } else { OVER };
        insert(store, NewPersonalAccessToken { expires_at, ..new(ada, number) }).await;
    }
    let another = async |at: Timestamp| {
        let new = NewPersonalAccessToken { at, ..new(ada, 200) };
        store.insert_personal_access_token(new, event(Action::CreatePersonalAccessToken)).await.unwrap()
    };
    assert_eq!(another(START).await, Err(PersonalAccessTokenRefusal::Full));
    let without_right = NewAuditEvent {
        authority: Some(Box::new(Authority {
            caller: Rights { user: ada.id, epoch: ada.epoch, permissions: vec![Permission::Limits] },
            subject: None,
            credential: Credential::Password,
        })),
        ..event(Action::CreatePersonalAccessToken)
    };
    let other = insert_user(store, "grace", &[]).await.unwrap();
    let mut of_other = without_right.clone();
    of_other.authority.as_mut().unwrap().caller.user = other.id;
    let refused = store.insert_personal_access_token(new(&other, 201), of_other).await.unwrap();
    assert_eq!(refused, Err(PersonalAccessTokenRefusal::RightsChanged));
    assert!(another(START.plus_secs(10)).await.is_ok(), "one has expired");
}

pub async fn expired_personal_access_tokens_are_purged_and_their_use_is_kept(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, ada) = (&world.store, &world.administrator);
    let early =
        insert(store, NewPersonalAccessToken { expires_at: START.plus_secs(10), ..new(ada, 1) }).await;
    let late = insert(store, new(ada, 2)).await;
    for secs in [7, 5] {
        let used = vec![(late.id, START.plus_secs(secs)), (PersonalAccessTokenId::new(77), START)];
        let usage = Usage { personal_access_tokens: used, ..Usage::default() };
        store.record_usage(usage).await.unwrap();
    }
    let purge = async |secs: i64| {
        let at = START.plus_secs(secs);
        let purge = Purge {
            now: at,
            revoked_grants_before: START,
            polled_requests_before: START,
            familiar_since: START,
            audit_before: Timestamp::from_secs(0),
            batch: 9,
        };
        store.purge(purge).await.unwrap().personal_access_tokens
    };
    assert_eq!((purge(9).await, purge(10).await, purge(10).await), (0, 1, 0));
    let left = store.list_personal_access_tokens(ada.id).await.unwrap();
    assert_eq!(left.iter().map(|token| token.id).collect::<Vec<_>>(), [late.id]);
    assert_eq!(left[0].last_used_at, Some(START.plus_secs(7)), "a later time wins");
    assert_ne!(early.id, late.id);
}

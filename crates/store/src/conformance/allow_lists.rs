//! Tests of the allow-lists of addresses.

use std::sync::Arc;

use domain::account::{Authority, Credential, Permission, Rights, User};
use domain::allow_list::{AllowListOwner, AllowLists, ServerPart};
use domain::audit::{Action, NewAuditEvent};
use domain::id::{ApplicationId, UserId};

use super::{OVER, World, event, insert_user};
use crate::{AllowListRefusal, Possessions, Store};

fn lists(network: &str) -> AllowLists {
    AllowLists::new([(ServerPart::DataAccess, vec![network.parse().unwrap()])])
}

async fn set(
    world: &World,
    owner: AllowListOwner,
    lists: AllowLists,
    event: NewAuditEvent,
) -> Result<(), AllowListRefusal> {
    world.store.set_allow_lists(owner, lists, event).await.unwrap()
}

/// An event of this user, with these permissions.
fn event_of(user: &User, permissions: &[Permission]) -> NewAuditEvent {
    let caller = Rights { user: user.id, epoch: user.epoch, permissions: permissions.to_vec() };
    let authority = Authority { caller, subject: None, credential: Credential::Password };
    NewAuditEvent { authority: Some(Box::new(authority)), ..event(Action::SetAllowLists) }
}

pub async fn lists_are_replaced_and_deleted_with_their_owner(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let user = insert_user(&world.store, "another", &[]).await.unwrap();
    let owners = [
        AllowListOwner::System,
        AllowListOwner::User(user.id),
        AllowListOwner::Application(world.application.id),
    ];
    let all = async || world.store.list_allow_lists().await.unwrap();
    assert_eq!(all().await, []);
    let before = world.store.versions().await.unwrap().limits;
    for owner in owners {
        set(&world, owner, lists("10.0.0.0/8"), event(Action::SetAllowLists)).await.unwrap();
        set(&world, owner, lists("2001:db8::/32"), event(Action::SetAllowLists)).await.unwrap();
    }
    assert_eq!(all().await, owners.map(|owner| (owner, lists("2001:db8::/32"))));
    assert_eq!(world.store.versions().await.unwrap().limits, before + 6, "other nodes learn of each change");
    set(&world, AllowListOwner::System, AllowLists::default(), event(Action::DeleteAllowLists))
        .await
        .unwrap();
    assert_eq!(all().await.len(), 2);
    let deleted = world.store.delete_user(user.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await;
    deleted.unwrap().unwrap();
    assert_eq!(all().await, [(owners[2], lists("2001:db8::/32"))]);
    let gone =
        world.store.delete_application(world.application.id, OVER, event(Action::DeleteApplication)).await;
    gone.unwrap().unwrap();
    assert_eq!(all().await, []);
}

pub async fn lists_are_changed_within_the_rights_of_the_caller(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let other = insert_user(&world.store, "another", &[]).await.unwrap();
    let own = AllowListOwner::User(other.id);
    let of_other = event_of(&other, &[]);
    assert_eq!(set(&world, own, lists("10.0.0.0/8"), of_other.clone()).await, Ok(()));
    for owner in [
        AllowListOwner::User(world.user.id),
        AllowListOwner::User(UserId::new(77)),
        AllowListOwner::Application(world.application.id),
        AllowListOwner::Application(ApplicationId::new(77)),
    ] {
        let refused = set(&world, owner, lists("10.0.0.0/8"), of_other.clone()).await;
        assert_eq!(refused, Err(AllowListRefusal::Unknown), "{owner}");
    }
    let withdrawn = event_of(&other, &[Permission::Administrator]);
    let refused = set(&world, AllowListOwner::System, lists("10.0.0.0/8"), withdrawn).await;
    assert_eq!(refused, Err(AllowListRefusal::RightsChanged));
    assert_eq!(world.store.list_allow_lists().await.unwrap(), [(own, lists("10.0.0.0/8"))]);
}

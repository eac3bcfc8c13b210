//! Tests with concurrent callers.

use std::sync::Arc;

use domain::account::{ADMINISTRATOR_ROLE, LockoutPolicy, USER_ROLE};
use domain::audit::Action;
use domain::id::{Epoch, TokenId};
use oauth::revocation::RevokedSubject;

use super::{
    OVER, START, World, at_once, create_grant, event, granted, insert_user, new_secret, rights, sign_ins,
    users,
};
use crate::{
    AccessOf, AuditFilter, ComesFrom, GrantCreation, NewGrant, Possessions, RefusedSignIn, Rotated, Store,
    StoredKey, UserChange, UserRefusal,
};

const MANY: usize = 32;

pub async fn a_code_redeemed_by_many_at_once_creates_one_grant(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let new = world.new_grant(1, Some(&consent));
    let outcomes = at_once(MANY, |_| {
        let (store, new) = (Arc::clone(&world.store), new.clone());
        async move { create_grant(&store, new).await }
    });
    let outcomes = outcomes.await;
    let grants: Vec<_> = outcomes.iter().filter_map(granted).collect();
    assert_eq!(grants.len(), 1);
    let ended: usize = outcomes
        .iter()
        .map(|outcome| if let GrantCreation::Replayed(ended) = outcome { ended.len() } else { 0 })
        .sum();
    assert_eq!(ended, 1, "the first replay ends the grant, the others find it ended");
    assert!(world.store.find_grant(grants[0]).await.unwrap().unwrap().revoked_at.is_some());
}

pub async fn replays_beside_new_grants_end_only_what_their_codes_created(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut redeemed = Vec::new();
    for code in 0..MANY {
        redeemed.push(world.grant(code as u64).await);
    }
    // Every third code was redeemed before, every third is new, and every third can create nothing.
    let outcomes = at_once(MANY * 3, |task| {
        let (store, kind) = (Arc::clone(&world.store), task % 3);
        let code = if kind == 0 { task / 3 } else { MANY + task };
        let mut new = world.new_grant(code as u64, None);
        if kind == 2 {
            new.user_epoch = Epoch::GONE;
        }
        async move { (task, create_grant(&store, new).await) }
    });
    for (task, outcome) in outcomes.await {
        match task % 3 {
            0 => {
                let GrantCreation::Replayed(ended) = outcome else { panic!("{task}: {outcome:?}") };
                let subjects: Vec<_> = ended.iter().map(|ended| ended.subject).collect();
                assert_eq!(subjects, [RevokedSubject::Grant(redeemed[task / 3])]);
            }
            1 => {
                let grant = world.store.find_grant(granted(&outcome).unwrap()).await.unwrap().unwrap();
                assert_eq!(grant.revoked_at, None, "{task}");
            }
            _ => assert_eq!(outcome, GrantCreation::Gone, "{task}"),
        }
    }
    let replays = AuditFilter { action: Some(Action::ReplayCode), limit: 1_000, ..AuditFilter::default() };
    assert_eq!(world.store.list_audit(replays).await.unwrap().len(), MANY);
}

pub async fn a_generation_rotated_by_many_at_once_is_rotated_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let grant = world.grant(1).await;
    let rotated = at_once(MANY, |_| {
        let store = Arc::clone(&world.store);
        async move { store.rotate_grant(grant, 0, 1, START).await.unwrap() }
    });
    assert_eq!(rotated.await.into_iter().filter(|rotated| *rotated == Rotated::Done).count(), 1);
    assert_eq!(world.store.find_grant(grant).await.unwrap().unwrap().generation, 1);
}

pub async fn creating_beside_a_reset_is_either_dead_or_later(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = world.application.id;
    let old = world.application.epoch;
    let outcomes = at_once(MANY, |task| {
        let (store, new) = (Arc::clone(&world.store), world.new_grant(task as u64, None));
        async move {
            if task == MANY / 2 {
                store
                    .reset_secret(id, new_secret(9), OVER, event(Action::ResetSecret))
                    .await
                    .unwrap()
                    .unwrap();
            }
            let epoch = store.find_application(id).await.unwrap().unwrap().epoch;
            let outcome = create_grant(&store, NewGrant { application_epoch: epoch, ..new }).await;
            (epoch, outcome)
        }
    });
    for (epoch, outcome) in outcomes.await {
        match granted(&outcome) {
            None => {
                assert!(
                    epoch == old && outcome == GrantCreation::Gone,
                    "what rests on the later epoch lives"
                );
            }
            Some(grant) => assert_eq!(world.store.find_grant(grant).await.unwrap().is_some(), epoch > old),
        }
    }
}

pub async fn creating_beside_a_revocation_is_either_dead_or_gone(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let outcomes = at_once(MANY, |task| {
        let (store, new) = (Arc::clone(&world.store), world.new_grant(task as u64, Some(&consent)));
        async move {
            if task == MANY / 2 {
                let audit = event(Action::RevokeAllowed);
                let access =
                    AccessOf::UserAtApplication { user: consent.user, application: consent.application };
                store.revoke_access(access, OVER, audit).await.unwrap().unwrap().unwrap();
            }
            create_grant(&store, new).await
        }
    });
    for outcome in outcomes.await {
        match granted(&outcome) {
            None => assert_eq!(outcome, GrantCreation::Gone),
            Some(id) => assert!(world.store.find_grant(id).await.unwrap().unwrap().revoked_at.is_some()),
        }
    }
}

pub async fn one_administrator_remains_of_many_who_demote_each_other(store: Arc<dyn Store>) {
    let mut administrators = Vec::new();
    for n in 0..MANY {
        administrators.push(insert_user(&store, &format!("admin{n}"), &[ADMINISTRATOR_ROLE]).await.unwrap());
    }
    let outcomes = at_once(MANY, |task| {
        let (store, id) = (Arc::clone(&store), administrators[task].id);
        async move {
            let change = UserChange { roles: Some(vec![USER_ROLE]), at: START, ..UserChange::default() };
            let off = UserChange { active: Some(false), at: START, ..UserChange::default() };
            match task % 3 {
                0 => store.update_user(id, change, event(Action::UpdateUser)).await.unwrap().is_ok(),
                1 => store.update_user(id, off, event(Action::UpdateUser)).await.unwrap().is_ok(),
                _ => store
                    .delete_user(id, Possessions::Keep, OVER, event(Action::DeleteUser))
                    .await
                    .unwrap()
                    .is_ok(),
            }
        }
    });
    assert_eq!(outcomes.await.into_iter().filter(|done| *done).count(), MANY - 1);
    let left = store.list_users(None, 100).await.unwrap();
    assert_eq!(left.iter().filter(|user| user.active && user.roles == [ADMINISTRATOR_ROLE]).count(), 1);
}

pub async fn a_promotion_beside_a_deletion_is_either_too_late_or_stops_it(store: Arc<dyn Store>) {
    let clerk = rights::clerk(&store).await;
    for n in 0..MANY {
        let user = insert_user(&store, &format!("user{n}"), &[USER_ROLE]).await.unwrap();
        let outcomes = at_once(2, |task| {
            let (store, id) = (Arc::clone(&store), user.id);
            let deletion = clerk.event(Action::DeleteUser);
            async move {
                if task == 0 {
                    let deleted = store.delete_user(id, Possessions::Keep, OVER, deletion).await;
                    return deleted.unwrap().map(|_| ());
                }
                let roles = Some(vec![ADMINISTRATOR_ROLE]);
                let change = UserChange { roles, at: START, ..UserChange::default() };
                store.update_user(id, change, event(Action::UpdateUser)).await.unwrap().map(|_| ())
            }
        });
        let outcomes = outcomes.await;
        let one_of = [UserRefusal::BeyondRights, UserRefusal::Unknown].map(Err);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| one_of.contains(outcome)).count(), 1, "{outcomes:?}");
    }
}

/// A failure under a policy that locks after twenty failures.
fn twentieth(world: &World) -> RefusedSignIn {
    let from = ComesFrom { network: None, familiar_since: START };
    let policy = Some(LockoutPolicy { failures: 20, ..sign_ins::POLICY });
    RefusedSignIn { policy, ..sign_ins::failure(world, from, 0) }
}

pub async fn failures_at_once_are_counted_exactly(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let fail = |tasks| {
        at_once(tasks, |_| {
            let (store, refused) = (Arc::clone(&world.store), twentieth(&world));
            async move { store.refuse_sign_in(refused).await.unwrap().locked_now }
        })
    };
    assert!(fail(19).await.into_iter().all(|locked| !locked));
    assert_eq!(world.store.find_user(world.user.id).await.unwrap().unwrap().lockout.failures, 19);
    assert_eq!(fail(MANY).await.into_iter().filter(|locked| *locked).count(), 1);
}

pub async fn failures_beside_changes_of_the_user_are_counted_exactly(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    at_once(MANY, |task| {
        let (store, refused, id) = (Arc::clone(&world.store), twentieth(&world), world.user.id);
        async move {
            if task % 2 == 0 {
                store.refuse_sign_in(refused).await.unwrap();
            } else {
                let name = Some(format!("bob{task}"));
                let change =
                    UserChange { name, at: START, revocation_expires_at: OVER, ..UserChange::default() };
                store.update_user(id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
            }
        }
    })
    .await;
    assert_eq!(world.store.find_user(world.user.id).await.unwrap().unwrap().lockout.failures, 16);
}

pub async fn of_many_chosen_passwords_at_once_one_is_set(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let set = at_once(MANY, |_| {
        let (store, change) = (Arc::clone(&world.store), users::chosen_password(&world));
        async move { store.change_password(change, event(Action::ChangePassword)).await.unwrap().is_ok() }
    });
    assert_eq!(set.await.into_iter().filter(|set| *set).count(), 1);
}

pub async fn a_session_opened_beside_a_password_change_is_dead_or_later(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let opened = at_once(MANY, |task| {
        let (store, new, change) =
            (Arc::clone(&world.store), users::new_session(&world), users::chosen_password(&world));
        async move {
            if task == MANY / 2 {
                store.change_password(change, event(Action::ChangePassword)).await.unwrap().unwrap();
            }
            store.insert_session(new, event(Action::SignIn)).await.unwrap()
        }
    });
    for session in opened.await.into_iter().flatten() {
        let found = world.store.find_session(session.id).await.unwrap();
        assert!(found.is_none_or(|found| found.user_epoch == world.user.epoch), "dead by its epoch");
    }
    assert!(world.store.find_user(world.user.id).await.unwrap().unwrap().epoch > world.user.epoch);
}

pub async fn two_secrets_are_live_however_many_are_added_at_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = world.application.id;
    let added = at_once(MANY, |task| {
        let (store, secret) = (Arc::clone(&world.store), new_secret(u8::try_from(task).unwrap()));
        async move { store.add_secret(id, secret, OVER, event(Action::AddSecret)).await.unwrap().is_ok() }
    });
    assert_eq!(added.await.into_iter().filter(|done| *done).count(), 1);
    let secrets = world.store.find_application(id).await.unwrap().unwrap().secrets;
    assert_eq!(secrets.iter().filter(|secret| secret.is_live(START)).count(), 2);
}

pub async fn a_name_is_given_once(store: Arc<dyn Store>) {
    let inserted = at_once(MANY, |task| {
        let store = Arc::clone(&store);
        let name = if task % 2 == 0 { "Zoë" } else { "ZOË" };
        async move { insert_user(&store, name, &[]).await.is_ok() }
    });
    assert_eq!(inserted.await.into_iter().filter(|done| *done).count(), 1);
}

pub async fn revocations_at_once_leave_no_gap(store: Arc<dyn Store>) {
    let seqs = at_once(MANY, |task| {
        let store = Arc::clone(&store);
        async move {
            let token = TokenId::compose(START, (task as u64).to_be_bytes());
            store.revoke_token(token, OVER, event(Action::RevokeToken)).await.unwrap()[0].seq
        }
    });
    let mut seqs = seqs.await;
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=i64::try_from(MANY).unwrap()).collect::<Vec<_>>());
    let feed = store.revocations_after(0, START, 1_000).await.unwrap();
    assert_eq!(feed.iter().map(|event| event.seq).collect::<Vec<_>>(), seqs);
}

pub async fn a_ring_key_is_added_by_one_node(store: Arc<dyn Store>) {
    let added = at_once(MANY, |task| {
        let store = Arc::clone(&store);
        let sealed = vec![u8::try_from(task).unwrap()];
        let key = StoredKey { id: 1, created_at: START, activates_at: START, sealed };
        async move { store.insert_key(key, event(Action::RotateKeys)).await.unwrap() }
    });
    assert_eq!(added.await.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(store.list_keys().await.unwrap().len(), 1);
}

pub async fn consents_given_at_once_are_one(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let new = world.new_consent().await;
    let ids = at_once(MANY, |_| {
        let (store, new) = (Arc::clone(&world.store), new.clone());
        async move { store.allow(new, event(Action::AllowApplication)).await.unwrap().unwrap().consent.id }
    });
    let mut ids = ids.await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

//! What was revoked since the backup stays revoked if the current database knows.

use std::collections::BTreeMap;

use domain::account::{ADMINISTRATOR_ROLE, DataSource, Permission, Role, USER_ROLE, User};
use domain::audit::Action;
use domain::id::RoleId;
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::application::Application;
use store::{
    Applications, ComesFrom, DataSources, NewDataSource, RefusedSignIn, Sealing, Sharing, SignIns,
    UserChange, Users,
};
use store_sqlite::{CopyError, Current, SqliteStore};

use crate::stage::{Stage, at, change_user, event, insert_user, register, secret, settings};

async fn user(stage: &Stage, name: &str) -> Option<User> {
    stage.open().find_user_by_name(name).await.unwrap()
}

async fn data_source(store: &SqliteStore, owner: &User, name: &str, shared: &[&User]) -> DataSource {
    let new = NewDataSource {
        name: name.to_owned(),
        description: String::new(),
        data_store: 1,
        options: BTreeMap::new(),
        sealing: Sealing::default(),
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        owner: owner.id,
        at: at(1),
    };
    let source = store.insert_data_source(new, event(Action::CreateDataSource, 1)).await.unwrap().unwrap();
    let users = shared.iter().map(|user| user.id).collect();
    let share = store.share_data_source(source.id, Sharing::With(users), event(Action::ShareDataSource, 1));
    share.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_user_who_was_deleted_or_switched_off_stays_so() {
    let stage = Stage::new().await;
    let store = stage.open();
    let gone = insert_user(&store, "gone", USER_ROLE, 1).await;
    let off = insert_user(&store, "off", USER_ROLE, 1).await;
    let other = insert_user(&store, "other", USER_ROLE, 1).await;
    let application = register(&store, &gone, "Hers", 1, 1).await;
    data_source(&store, &other, "shop", &[&gone]).await;
    let backup = stage.back_up("backup.db", 2);
    store
        .delete_application(application.id, at(90_000), event(Action::DeleteApplication, 3))
        .await
        .unwrap()
        .unwrap();
    store
        .delete_user(gone.id, store::Possessions::Keep, at(90_000), event(Action::DeleteUser, 3))
        .await
        .unwrap()
        .unwrap();
    change_user(&store, &off, 3, UserChange { active: Some(false), ..UserChange::default() }).await;
    drop(store);
    let outcome = stage.restore(&backup, 4);
    assert_eq!(outcome.current, Current::Comparable);
    let counted = outcome.restored;
    assert_eq!((counted.users_deleted, counted.users_switched_off, counted.applications_deleted), (1, 1, 1));
    assert!(user(&stage, "gone").await.is_none());
    assert!(!user(&stage, "off").await.unwrap().active);
    assert!(user(&stage, "other").await.unwrap().active);
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM applications"), 0);
}

#[tokio::test]
async fn the_newer_password_and_the_lock_win() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", USER_ROLE, 1).await;
    let backup = stage.back_up("backup.db", 2);
    let change = UserChange { password: Some(PasswordHash::new("second")), ..UserChange::default() };
    let changed = change_user(&store, &ada, 3, change).await;
    let policy = domain::account::LockoutPolicy { interval_secs: 60, failures: 1, lock_secs: 600 };
    let refused = RefusedSignIn {
        user: Some(ada.id),
        from: ComesFrom { network: None, familiar_since: Timestamp::from_secs(0) },
        policy: Some(policy),
        audit: event(Action::SignIn, 3),
    };
    store.refuse_sign_in(refused).await.unwrap();
    drop(store);
    assert_eq!(stage.restore(&backup, 4).restored.passwords_changed, 1);
    let after = user(&stage, "ada").await.unwrap();
    assert_eq!(after.password.as_phc(), "second");
    assert!(after.epoch > changed.epoch);
    assert!(after.lockout.is_locked(at(5)));
}

#[tokio::test]
async fn what_was_given_back_meanwhile_is_as_the_backup_has_it() {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", USER_ROLE, 1).await;
    let ada = change_user(&store, &ada, 1, UserChange { active: Some(false), ..UserChange::default() }).await;
    let backup = stage.back_up("backup.db", 2);
    let change = UserChange { active: Some(true), name: Some("ada2".to_owned()), ..UserChange::default() };
    change_user(&store, &ada, 3, change).await;
    drop(store);
    stage.restore(&backup, 4);
    assert!(!user(&stage, "ada").await.unwrap().active);
}

#[tokio::test]
async fn roles_and_permissions_that_were_taken_away_stay_so() {
    let stage = Stage::new().await;
    let store = stage.open();
    let role = |name: &str, permissions: &[Permission]| Role {
        id: RoleId::new(0),
        name: name.to_owned(),
        description: String::new(),
        permissions: permissions.to_vec(),
        requires_second_factor: false,
    };
    let two = &Permission::ALL[..2];
    let narrowed =
        store.insert_role(role("narrowed", two), event(Action::CreateRole, 1)).await.unwrap().unwrap();
    let gone = store.insert_role(role("gone", two), event(Action::CreateRole, 1)).await.unwrap().unwrap();
    let demoted = insert_user(&store, "demoted", ADMINISTRATOR_ROLE, 1).await;
    let ada = insert_user(&store, "ada", gone.id, 1).await;
    let backup = stage.back_up("backup.db", 2);
    let only = |roles: &[RoleId]| UserChange { roles: Some(roles.to_vec()), ..UserChange::default() };
    change_user(&store, &demoted, 3, only(&[USER_ROLE])).await;
    change_user(&store, &ada, 3, only(&[USER_ROLE, narrowed.id])).await;
    let less = Role { permissions: vec![two[0]], requires_second_factor: true, ..narrowed.clone() };
    store.update_role(less, event(Action::UpdateRole, 3)).await.unwrap().unwrap();
    store.delete_role(gone.id, event(Action::DeleteRole, 3)).await.unwrap().unwrap();
    drop(store);
    let outcome = stage.restore(&backup, 4);
    assert_eq!((outcome.restored.roles_taken, outcome.restored.roles_narrowed), (2, 2));
    assert_eq!(user(&stage, "demoted").await.unwrap().roles, [USER_ROLE]);
    assert_eq!(
        user(&stage, "ada").await.unwrap().roles,
        [USER_ROLE],
        "a role that the backup lacks does not come"
    );
    let roles = stage.open().list_roles().await.unwrap();
    assert!(roles.iter().all(|role| role.name != "gone"));
    let narrowed = roles.iter().find(|role| role.id == narrowed.id).unwrap();
    assert_eq!(narrowed.permissions, [two[0]]);
    assert!(narrowed.requires_second_factor, "a demand that the backup lacks stays");
}

#[tokio::test]
async fn the_secrets_and_the_redirect_urls_of_today_win() {
    let stage = Stage::new().await;
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let reset = register(&store, &root, "Reset", 1, 1).await;
    let kept = register(&store, &root, "Kept", 2, 1).await;
    let backup = stage.back_up("backup.db", 2);
    store
        .reset_secret(reset.id, secret(9), at(90_000), event(Action::ResetSecret, 3))
        .await
        .unwrap()
        .unwrap();
    store.add_secret(kept.id, secret(8), at(500), event(Action::AddSecret, 3)).await.unwrap().unwrap();
    let mut changed = settings("Renamed");
    changed.redirect_urls = vec!["https://new.example.com/cb".to_owned()];
    let changed = store::Amendment::to(changed);
    store.update_application(kept.id, changed, event(Action::UpdateApplication, 3)).await.unwrap().unwrap();
    drop(store);
    assert_eq!(stage.restore(&backup, 4).restored.secrets, 1);
    let store = stage.open();
    let digests = |application: &Application| {
        application.secrets.iter().map(|secret| secret.digest.as_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(digests(&store.find_application(reset.id).await.unwrap().unwrap()), [9]);
    let kept = store.find_application(kept.id).await.unwrap().unwrap();
    assert_eq!(digests(&kept), [2, 8]);
    assert_eq!(kept.secrets[0].expires_at, Some(at(500)));
    assert_eq!(kept.settings.redirect_urls, ["https://new.example.com/cb"]);
    assert_eq!(kept.settings.name, "Kept", "what gives no access is as in the backup");
}

#[tokio::test]
async fn shares_that_were_taken_back_and_deleted_sources_stay_so() {
    let stage = Stage::new().await;
    let store = stage.open();
    let owner = insert_user(&store, "owner", USER_ROLE, 1).await;
    let (one, two) =
        (insert_user(&store, "one", USER_ROLE, 1).await, insert_user(&store, "two", USER_ROLE, 1).await);
    let shop = data_source(&store, &owner, "shop", &[&one, &two]).await;
    let gone = data_source(&store, &owner, "gone", &[&one]).await;
    let backup = stage.back_up("backup.db", 2);
    let without =
        store.share_data_source(shop.id, Sharing::Without(one.id), event(Action::ShareDataSource, 3));
    without.await.unwrap().unwrap();
    store.delete_data_source(gone.id, event(Action::DeleteDataSource, 3)).await.unwrap().unwrap();
    drop(store);
    let outcome = stage.restore(&backup, 4);
    assert_eq!((outcome.restored.shares_ended, outcome.restored.data_sources_deleted), (1, 1));
    let store = stage.open();
    assert_eq!(store.find_data_source(shop.id).await.unwrap().unwrap().shared_with, [two.id]);
    assert!(store.find_data_source(gone.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_restore_can_be_undone_and_distrusts_what_the_one_between_never_knew() {
    let stage = Stage::new().await;
    let backup = stage.back_up("old.db", 10);
    let store = stage.open();
    let late = insert_user(&store, "late", USER_ROLE, 20).await;
    register(&store, &late, "Late", 1, 20).await;
    drop(store);
    let first = stage.restore(&backup, 30);
    assert!(user(&stage, "late").await.is_none());
    // Between the two backups a new user is created, and an existing one gets a new password.
    let store = stage.open();
    insert_user(&store, "newest", USER_ROLE, 35).await;
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let change = UserChange { password: Some(PasswordHash::new("newer")), ..UserChange::default() };
    change_user(&store, &root, 35, change).await;
    drop(store);
    let second = stage.restore(&first.aside.unwrap(), 40);
    assert_eq!(second.current, Current::Comparable);
    assert_eq!(second.restored.users_deleted, 0);
    let late = user(&stage, "late").await.unwrap();
    assert_eq!((late.active, late.password.as_phc()), (false, "unusable"));
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM applications"), 1, "it need not be registered again");
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM secrets"), 0);
    assert_eq!(user(&stage, "root").await.unwrap().password.as_phc(), "newer");
    assert!(user(&stage, "newest").await.is_none());
}

#[tokio::test]
async fn without_anybody_to_administer_nothing_is_restored() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let store = stage.open();
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    insert_user(&store, "newer", ADMINISTRATOR_ROLE, 3).await;
    change_user(&store, &root, 3, UserChange { active: Some(false), ..UserChange::default() }).await;
    drop(store);
    let refused = stage.restore_as(&backup, 4, None, None).unwrap_err();
    assert!(matches!(refused, CopyError::NoAdministrator), "{refused:?}");
    assert!(user(&stage, "newer").await.is_some(), "nothing was changed");
    let carried = Some(store::Credentials::CarryOver);
    let refused = stage.restore_as(&backup, 5, carried, Some("nobody")).unwrap_err();
    assert!(refused.to_string().contains("Its Administrators are: root"), "{refused}");
    stage.restore_as(&backup, 6, carried, Some("ROOT")).unwrap();
    let root = user(&stage, "root").await.unwrap();
    assert_eq!((root.active, root.password.as_phc()), (true, "appointed"));
}

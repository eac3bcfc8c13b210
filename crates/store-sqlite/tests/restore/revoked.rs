//! No credential that was issued before the restore opens any more.

use domain::account::USER_ROLE;
use domain::account::device::SessionOrigin;
use domain::audit::Action;
use domain::id::{CodeId, TokenId};
use domain::secret::Digest;
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::BuiltInScope;
use store::{
    Applications, GrantCreation, Grants, NewConsent, NewGrant, NewSession, StoredKey, SystemSettings, Users,
};

use crate::stage::{Stage, at, event, insert_user, register, secret};

async fn hand_out(stage: &Stage, code: u8) {
    let store = stage.open();
    let user = store.find_user_by_name("ada").await.unwrap().unwrap();
    let application = store.list_applications(store::ApplicationFilter::default()).await.unwrap().remove(0);
    let consent = NewConsent {
        data: oauth::authorize::DataChange::instead(None),
        user: user.id,
        user_epoch: user.epoch,
        application: application.id,
        application_epoch: application.epoch,
        scopes: BuiltInScope::OData.into(),
        revocations_expire_at: at(9_000),
    };
    let consent = store.allow(consent, event(Action::AllowApplication, 1)).await.unwrap().unwrap().consent;
    let new = NewGrant {
        application: application.id,
        application_epoch: application.epoch,
        user: user.id,
        user_epoch: user.epoch,
        origin: GrantOrigin::Code(CodeId::compose(at(1), [code; 8])),
        consent: Some(consent.id),
        session: None,
        scopes: BuiltInScope::OData.into(),
        details: GrantDetails::default(),
        refreshable: true,
        key: 1,
        at: at(1),
        expires_at: None,
    };
    let created = store.create_grant(new, at(90_000), event(Action::ReplayCode, 1)).await.unwrap();
    assert!(matches!(created, GrantCreation::Grant(_)), "{created:?}");
    let session = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([code; 32]),
        auth_time: at(1),
        expires_at: at(90_000),
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    store.insert_session(session, event(Action::SignIn, 1)).await.unwrap().unwrap();
}

async fn stage_with_access() -> Stage {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", USER_ROLE, 1).await;
    register(&store, &ada, "Reports", 1, 1).await;
    drop(store);
    hand_out(&stage, 1).await;
    stage
}

#[tokio::test]
async fn grants_consents_sessions_and_revocations_are_gone_and_the_registration_stays() {
    let stage = stage_with_access().await;
    let token = TokenId::compose(at(1), [1; 8]);
    stage.open().revoke_token(token, at(90_000), event(Action::RevokeToken, 1)).await.unwrap();
    let backup = stage.back_up("backup.db", 2);
    hand_out(&stage, 2).await;
    let outcome = stage.restore(&backup, 3);
    assert_eq!((outcome.restored.grants, outcome.restored.consents, outcome.restored.sessions), (1, 1, 1));
    for table in ["grants", "consents", "sessions", "revocations"] {
        assert_eq!(stage.value::<i64>(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let store = stage.open();
    let applications = store.list_applications(store::ApplicationFilter::default()).await.unwrap();
    assert_eq!(applications[0].client_id.as_str(), "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    assert_eq!(applications[0].secrets.len(), 1, "a secret that nobody ended is good");
}

#[tokio::test]
async fn the_ring_is_one_key_whose_number_nobody_has_seen() {
    let stage = stage_with_access().await;
    let backup = stage.back_up("backup.db", 2);
    let store = stage.open();
    for id in 2..5 {
        let key = StoredKey { id, created_at: at(3), activates_at: at(3), sealed: vec![1] };
        assert!(store.insert_key(key, event(Action::RotateKeys, 3)).await.unwrap());
    }
    drop(store);
    stage.restore(&backup, 4);
    let keys = stage.open().list_keys().await.unwrap();
    assert_eq!(
        keys.iter().map(|key| (key.id, key.sealed.clone())).collect::<Vec<_>>(),
        [(5, b"ring 5".to_vec())]
    );
    assert_eq!(keys[0].activates_at, at(4), "it seals at once");
}

#[tokio::test]
async fn epochs_and_ids_go_on_above_those_that_were_given_after_the_backup() {
    let stage = stage_with_access().await;
    let backup = stage.back_up("backup.db", 2);
    hand_out(&stage, 2).await;
    let store = stage.open();
    let application = store.list_applications(store::ApplicationFilter::default()).await.unwrap().remove(0);
    for byte in 10..14 {
        let reset =
            store.reset_secret(application.id, secret(byte), at(90_000), event(Action::ResetSecret, 3));
        reset.await.unwrap().unwrap();
    }
    let late = insert_user(&store, "late", USER_ROLE, 3).await;
    let before =
        (store.find_application(application.id).await.unwrap().unwrap(), store.versions().await.unwrap());
    drop(store);
    let grants: i64 = stage.value("SELECT seq FROM sqlite_sequence WHERE name = 'grants'");
    stage.restore(&backup, 4);
    let store = stage.open();
    let after = store.find_application(application.id).await.unwrap().unwrap();
    assert!(after.epoch > before.0.epoch, "{:?}", after.epoch);
    let versions = store.versions().await.unwrap();
    assert!(versions.applications > before.1.applications && versions.revocations > before.1.revocations);
    assert!(insert_user(&store, "later", USER_ROLE, 5).await.id > late.id, "an id is given twice");
    assert_eq!(stage.value::<i64>("SELECT seq FROM sqlite_sequence WHERE name = 'grants'"), grants);
}

#[tokio::test]
async fn the_log_has_everything_that_happened_since_and_the_restore() {
    let stage = stage_with_access().await;
    let backup = stage.back_up("backup.db", 2);
    let store = stage.open();
    insert_user(&store, "late", USER_ROLE, 3).await;
    drop(store);
    let outcome = stage.restore(&backup, 4);
    assert_eq!(outcome.restored.lost, ["user late"]);
    let created = "SELECT count(*) FROM audit_events WHERE action = 'user.create'";
    assert_eq!(stage.value::<i64>(created), 3, "root, ada and late, each once");
    let restored = "SELECT subject || ': ' || detail FROM audit_events WHERE action = 'system.restore'";
    let message: String = stage.value(restored);
    assert!(
        message
            .starts_with("backup of 2027-01-15T08:00:02Z: what was revoked since the backup stays revoked"),
        "{message}"
    );
    assert!(message.contains("grants revoked: 1"), "{message}");
    let again = stage.restore(&backup, 5);
    assert_eq!(again.restored.lost, Vec::<String>::new());
    assert_eq!(stage.value::<i64>(created), 3);
}

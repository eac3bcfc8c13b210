//! Background tasks and lifetimes follow the settings.

use app::AppSettings;
use domain::audit::Action;
use store::{Audit, AuditFilter, SystemSettings};
use testkit::{Setup, TestServer};

use crate::client::{Client, Tokens, assert_refused};

const DAY_SECS: i64 = 86_400;

async fn server_with(app: AppSettings) -> TestServer {
    TestServer::start_with(Setup { app, ..Setup::default() }).await
}

#[tokio::test]
async fn the_lifetime_of_a_code_follows_the_setting() {
    for lifetime in [60_u32, 5] {
        let server =
            server_with(AppSettings { code_lifetime_secs: lifetime, ..AppSettings::default() }).await;
        let client = Client::register(&server).await;
        let [in_time, late] = [client.code(&server).await, client.code(&server).await];
        server.clock().advance_secs(i64::from(lifetime) - 1);
        Tokens::of(&client.exchange(&server, &in_time).await);
        server.clock().advance_secs(1);
        assert_refused(&client.exchange(&server, &late).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn keys_are_rotated_as_often_as_the_setting_says() {
    for (days, keys) in [(0, [1, 1]), (1, [1, 2]), (3, [1, 1])] {
        let server =
            server_with(AppSettings { rotate_keys_every_days: days, ..AppSettings::default() }).await;
        let mut counted = Vec::new();
        for _ in keys {
            server.app().node().maintain().await.unwrap();
            counted.push(server.store().list_keys().await.unwrap().len());
            server.clock().advance_secs(DAY_SECS + 1);
        }
        assert_eq!(counted, keys, "every {days} days");
    }
}

#[tokio::test]
async fn audit_events_are_kept_as_long_as_the_setting_says() {
    for (days, kept) in [(0, true), (2, false), (4, true)] {
        let server = server_with(AppSettings { audit_retention_days: days, ..AppSettings::default() }).await;
        Client::register(&server).await;
        server.clock().advance_secs(3 * DAY_SECS);
        server.app().node().maintain().await.unwrap();
        let filter =
            AuditFilter { limit: 10, action: Some(Action::RegisterApplication), ..AuditFilter::default() };
        let found = server.store().list_audit(filter).await.unwrap();
        assert_eq!(!found.is_empty(), kept, "{days} days");
    }
}

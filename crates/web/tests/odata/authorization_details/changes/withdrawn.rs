//! Rights that end while a change is made.

use std::pin::pin;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::limit::Limit;
use domain::time::Timestamp;
use oauth::application::ApplicationSettings;
use oauth::scope::BuiltInScope;
use rusqlite::Connection;
use store::{Amendment, Applications, Grants, UserChange, Users};

use super::*;
use crate::fixture::poll_once;

/// A data source that another program has locked, so that changes of it wait.
struct Locked {
    fixture: Fixture,
    other: DataSource,
    client: Client,
    file: Connection,
}

impl Locked {
    async fn open() -> Self {
        let (fixture, other) = with_writable().await;
        let scopes = json!({ "scopes": [READS, WRITES] });
        let client = Client::register(&fixture, scopes).await;
        let file = Connection::open(fixture.server.folder().join("Other.db")).unwrap();
        Self { fixture, other, client, file }
    }

    async fn token(&self) -> String {
        let mut browser = self.fixture.server.browser();
        let form =
            asked(&mut browser, &self.client.address(&[("scope", &format!("{READS} {WRITES}"))])).await;
        let answer = allow(&mut browser, form.with("changes", "yes")).await;
        text(&self.client.exchange(&self.fixture, &answer, &[]).await.expect(200).json(), "access_token")
    }

    fn lock(&self) {
        self.file.execute_batch("BEGIN IMMEDIATE").unwrap();
    }

    fn unlock(&self) {
        self.file.execute_batch("ROLLBACK").unwrap();
    }

    fn rows(&self) -> i64 {
        self.file.query_row("SELECT count(*) FROM Ports", [], |row| row.get(0)).unwrap()
    }

    async fn end(&self, right: Right, token: &str) {
        let server = &self.fixture.server;
        let (store, at) = (server.store(), Timestamp::from_secs(1_767_268_800));
        let over = at.plus_secs(86_400);
        let audit = |action| NewAuditEvent::new(action, Outcome::Success, at);
        let token = server.vault().open_access_token(token).unwrap();
        match right {
            Right::Token => {
                drop(store.revoke_token(token.id, over, audit(Action::RevokeToken)).await.unwrap());
            }
            Right::User => {
                let change = UserChange {
                    active: Some(false),
                    at,
                    revocation_expires_at: over,
                    ..UserChange::default()
                };
                store.update_user(token.user, change, audit(Action::UpdateUser)).await.unwrap().unwrap();
            }
            Right::Scope => {
                let narrower = Amendment::by(|settings| {
                    let scopes = BuiltInScope::ODataRead.into();
                    Ok((ApplicationSettings { scopes, ..settings.clone() }, Vec::new()))
                });
                let action = audit(Action::UpdateApplication);
                store.update_application(token.application, narrower, action).await.unwrap().unwrap();
            }
            Right::Owner => self.fixture.set_writable(&self.other, false).await,
        }
        server.app().node().refresh().await.unwrap();
    }
}

#[derive(Debug, Clone, Copy)]
enum Right {
    Token,
    User,
    Scope,
    Owner,
}

#[tokio::test]
async fn a_change_is_judged_again_just_before_it_becomes_durable() {
    for (right, status, expected) in [
        (Right::Token, 401, "NotAuthenticated"),
        (Right::User, 401, "NotAuthenticated"),
        (Right::Scope, 403, "ChangeNotGranted"),
        (Right::Owner, 405, "DataSourceReadOnly"),
    ] {
        let locked = Locked::open().await;
        let token = locked.token().await;
        post(&locked.fixture, "Other", &token).await.expect(201);
        locked.lock();
        let mut waiting = pin!(post(&locked.fixture, "Other", &token));
        assert!(poll_once(waiting.as_mut()).await.is_none(), "it waits for the other program");
        locked.end(right, &token).await;
        locked.unlock();
        let refused = waiting.await.expect(status);
        assert_eq!((code(&refused).as_str(), locked.rows()), (expected, 1), "{right:?}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_has_changed_nothing_and_keeps_its_place_until_the_change_has_ended() {
    let locked = Locked::open().await;
    let token = locked.token().await;
    post(&locked.fixture, "Other", &token).await.expect(201);
    locked.fixture.limit(Limit::ODataMaxConcurrentRequests, 1).await;
    locked.lock();
    {
        let mut hangs_up = pin!(post(&locked.fixture, "Other", &token));
        assert!(poll_once(hangs_up.as_mut()).await.is_none(), "it waits for the other program");
    }
    let mut next = pin!(locked.fixture.server.get("/api/odata4/Other/Ports/$count").bearer(&token).send());
    assert!(poll_once(next.as_mut()).await.is_none(), "the change still runs");
    locked.unlock();
    assert_eq!(next.await.expect(200).text(), "1");
    let log = locked.fixture.server.get("/api/admin/audit?action=data.change").basic(&testkit::ADMIN);
    let log = log.send().await.expect(200).json();
    assert_eq!(log.to_string().matches("Other/Ports").count(), 1, "{log}");
}

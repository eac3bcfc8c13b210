//! Compares a server that was killed with the operations that it acknowledged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::acts::error_of;
use super::{Application, Code, Fate, Grant, Worker};
use crate::server::ADMIN;

/// The number of entries of each kind that a worker checks again at the end.
const SAMPLE: usize = 100;

impl Worker {
    /// Checks every entry that was touched in this round.
    ///
    /// # Panics
    /// If the server has lost something that it acknowledged.
    pub fn verify_recent(&mut self, round: u32) {
        let here = |of: u32| of == round;
        // The server is idle: every operation without an answer has happened or never will.
        for application in &mut self.applications {
            application.settling = false;
        }
        self.check_session();
        self.check_limit();
        let allowed = self.allowed();
        for application in self.applications.iter().filter(|application| here(application.round)) {
            self.check_application(application, &allowed);
        }
        for at in (0..self.grants.len()).filter(|&at| here(self.grants[at].round)).collect::<Vec<_>>() {
            self.check_grant(at);
        }
        for at in (0..self.codes.len()).filter(|&at| here(self.codes[at].round)).collect::<Vec<_>>() {
            self.check_code(at);
        }
        for at in (0..self.people.len()).filter(|&at| here(self.people[at].round)).collect::<Vec<_>>() {
            self.check_person(at);
        }
    }

    /// Checks random entries of all rounds.
    ///
    /// # Panics
    /// If the server has lost something that it acknowledged.
    pub fn verify_sample(&mut self) {
        let allowed = self.allowed();
        for _ in 0..SAMPLE.min(self.applications.len()) {
            let at = self.random.place(self.applications.len());
            self.check_application(&self.applications[at], &allowed);
        }
        for _ in 0..SAMPLE.min(self.grants.len()) {
            let at = self.random.place(self.grants.len());
            self.check_grant(at);
        }
        for _ in 0..SAMPLE.min(self.people.len()) {
            let at = self.random.place(self.people.len());
            self.check_person(at);
        }
    }

    fn check_session(&self) {
        if self.signed_in {
            let page = self.wire.get("/account", None).unwrap();
            assert!(!page.body.contains("login-submit"), "the session is gone: {page:?}");
        }
    }

    pub(super) fn limit_value(&self, limit: u32) -> i64 {
        let path = format!("/api/admin/limits/system/{limit}");
        let answer = self.wire.get(&path, Some(&ADMIN)).unwrap();
        answer.json()["value"].as_i64().unwrap_or_else(|| panic!("{answer:?}"))
    }

    fn check_limit(&mut self) {
        let Some(limit) = self.limit else { return };
        let value = self.limit_value(limit);
        let expected = &self.limit_values;
        assert!(expected.contains(&value), "limit {limit} is {value}, not one of {expected:?}");
        self.limit_values = vec![value];
    }

    /// The ids of the applications that the user has allowed.
    fn allowed(&self) -> Vec<i64> {
        let answer =
            self.wire.get("/api/mgmt/oauth/client/allowedapplications", Some(&self.user)).unwrap().json();
        let listed = answer["applications"].as_array().unwrap();
        listed.iter().map(|application| application["id"].as_i64().unwrap()).collect()
    }

    fn check_application(&self, application: &Application, allowed: &[i64]) {
        let client = &application.client;
        let shown = self.wire.get(&client.path(), Some(&self.user)).unwrap();
        match application.fate {
            Fate::Alive => {
                assert_eq!(shown.status, 200, "{application:?}");
                assert_eq!(shown.json()["name"], *application.name);
            }
            Fate::Ended => {
                assert_eq!(shown.status, 404, "{application:?}");
                let answer = client.post(&self.wire, "/oauth2/introspect", &[("token", "x")]).unwrap();
                assert_eq!(answer.status, 401, "{application:?}");
            }
            Fate::Unsure => {}
        }
        match application.consent {
            Fate::Alive => assert!(allowed.contains(&client.id), "{application:?} {allowed:?}"),
            Fate::Ended => assert!(!allowed.contains(&client.id), "{application:?} {allowed:?}"),
            Fate::Unsure => {}
        }
        if let Some(secret) = &application.old_secret {
            let mut old = client.clone();
            old.client_secret.clone_from(secret);
            let answer = old.post(&self.wire, "/oauth2/introspect", &[("token", "x")]).unwrap();
            assert_eq!(answer.status, 401, "{application:?}");
        }
        if application.can_ask() {
            assert!(!client.is_active(&self.wire, "x").unwrap());
        }
    }

    fn check_grant(&mut self, at: usize) {
        let grant = &self.grants[at];
        let client = &self.applications[grant.application].client;
        let can_ask = self.applications[grant.application].can_ask();
        match grant.fate {
            Fate::Ended => {
                assert!(!self.opens(&grant.access), "{grant:?}");
                if can_ask {
                    let answer = client.refresh(&self.wire, &grant.refresh).unwrap();
                    assert_eq!(
                        (answer.status.as_u16(), &*error_of(&answer)),
                        (400, "invalid_grant"),
                        "{grant:?}"
                    );
                    assert!(!client.is_active(&self.wire, &grant.access).unwrap(), "{grant:?}");
                }
            }
            Fate::Alive => {
                let expected = grant.access_fate;
                assert!(
                    expected == Fate::Unsure || self.opens(&grant.access) == (expected == Fate::Alive),
                    "{grant:?}"
                );
                if grant.rotating && can_ask {
                    self.settle(at);
                } else if can_ask {
                    assert!(client.is_active(&self.wire, &grant.refresh).unwrap(), "{grant:?}");
                }
            }
            Fate::Unsure => {}
        }
    }

    /// Whether an access token is valid: the data source does not exist, but an invalid token is refused
    /// before it is looked up.
    fn opens(&self, access: &str) -> bool {
        let status = self.wire.get_with_token("/api/odata4/nowhere", access).unwrap().status.as_u16();
        assert!(matches!(status, 401 | 404), "{status}");
        status == 404
    }

    /// Repeats a rotation that got no answer: the old token yields a successor, the same one each time, and
    /// only the successor is valid. Once it has been used, the old token revokes the family.
    fn settle(&mut self, at: usize) {
        self.repeated.0 += 1;
        let grant = &mut self.grants[at];
        let client = &self.applications[grant.application].client;
        let old = grant.refresh.clone();
        grant.take(&client.refresh(&self.wire, &old).unwrap());
        let successor = grant.refresh.clone();
        assert_ne!(successor, old);
        grant.take(&client.refresh(&self.wire, &old).unwrap());
        assert_eq!(grant.refresh, successor, "the family has forked");
        assert!(client.is_active(&self.wire, &successor).unwrap());
        assert!(!client.is_active(&self.wire, &old).unwrap(), "two tokens of one family live");
        if self.random.below(4) == 0 {
            grant.take(&client.refresh(&self.wire, &successor).unwrap());
            let answer = client.refresh(&self.wire, &old).unwrap();
            assert_eq!((answer.status.as_u16(), &*error_of(&answer)), (400, "invalid_grant"), "{answer:?}");
            grant.fate = Fate::Ended;
            self.check_grant(at);
        }
    }

    fn check_code(&mut self, at: usize) {
        let Code { application, fate, .. } = self.codes[at];
        if !self.applications[application].can_ask() || self.codes[at].may_have_expired() {
            return;
        }
        match fate {
            // The code was issued, so its preconditions were durable.
            Fate::Alive => self.exchange(at).unwrap(),
            Fate::Unsure => self.exchange_once_more(at),
            Fate::Ended => {
                if self.random.below(4) == 0 {
                    self.replay(at);
                }
            }
        }
    }

    /// Repeats an exchange that got no answer: it succeeds at most once, and its grant is revoked if it was
    /// requested too often.
    fn exchange_once_more(&mut self, at: usize) {
        self.repeated.1 += 1;
        let code = &self.codes[at];
        let client = &self.applications[code.application].client;
        let first = client.exchange(&self.wire, &code.text, &code.verifier).unwrap();
        self.replay(at);
        if first.status == 200 {
            assert_eq!(self.codes[at].grant, None, "a code was exchanged twice");
            self.grant_of(at, &first);
            let Grant { fate, .. } = self.grants.last_mut().unwrap();
            *fate = Fate::Ended;
            self.check_grant(self.grants.len() - 1);
        } else {
            assert_eq!((first.status.as_u16(), &*error_of(&first)), (400, "invalid_grant"), "{first:?}");
        }
        self.codes[at].fate = Fate::Ended;
    }

    /// Presents a code that was exchanged.
    fn replay(&mut self, at: usize) {
        let code = &self.codes[at];
        let client = &self.applications[code.application].client;
        let answer = client.exchange(&self.wire, &code.text, &code.verifier).unwrap();
        assert_eq!((answer.status.as_u16(), &*error_of(&answer)), (400, "invalid_grant"), "{code:?}");
        if let Some(grant) = code.grant {
            self.grants[grant].fate = Fate::Ended;
            self.check_grant(grant);
        }
    }

    fn check_person(&self, at: usize) {
        let person = &self.people[at];
        let shown = self.wire.get(&format!("/api/admin/users/{}", person.id), Some(&ADMIN)).unwrap();
        assert_eq!(shown.status, 200, "{person:?}");
        assert_eq!(shown.json()["userName"], *person.name);
    }
}

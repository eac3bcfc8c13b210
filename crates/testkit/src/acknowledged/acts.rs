//! The operations of a worker. Each records that its result is unsure before the request, and the answer
//! afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt;
use std::time::Instant;

use serde_json::json;

use super::{Application, Code, Fate, Grant, Person, Worker};
use crate::random::Random;
use crate::server::ADMIN;
use crate::wire::WireAnswer;
use crate::wire_client::WireClient;

/// No answer arrived.
pub type Lost = ureq::Error;

/// An operation of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Act {
    Register,
    Allow,
    Exchange,
    Refresh,
    RefreshTwice,
    ExchangeTwice,
    ReplayCode,
    RevokeAccess,
    RevokeFamily,
    Disallow,
    ResetSecret,
    Delete,
    AddPerson,
    SetLimit,
}

impl Act {
    fn chosen(random: &mut Random) -> Self {
        match random.below(100) {
            0..12 => Self::Register,
            12..18 => Self::Allow,
            18..38 => Self::Exchange,
            38..60 => Self::Refresh,
            60..66 => Self::RefreshTwice,
            66..70 => Self::ExchangeTwice,
            70..73 => Self::ReplayCode,
            73..78 => Self::RevokeAccess,
            78..83 => Self::RevokeFamily,
            83..87 => Self::Disallow,
            87..91 => Self::ResetSecret,
            91..94 => Self::Delete,
            94..96 => Self::AddPerson,
            _ => Self::SetLimit,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::Allow => "allow",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::RefreshTwice => "refresh twice at once",
            Self::ExchangeTwice => "exchange twice at once",
            Self::ReplayCode => "replay a code",
            Self::RevokeAccess => "revoke an access token",
            Self::RevokeFamily => "revoke a refresh token",
            Self::Disallow => "take an allowance back",
            Self::ResetSecret => "reset a secret",
            Self::Delete => "delete an application",
            Self::AddPerson => "add a person",
            Self::SetLimit => "set a limit",
        })
    }
}

impl Worker {
    /// Performs a random operation, and returns which one and its result. Without an answer it is unknown
    /// whether the operation has happened.
    ///
    /// # Panics
    /// If the answer is wrong.
    pub fn act(&mut self) -> (Act, Result<(), Lost>) {
        let act = Act::chosen(&mut self.random);
        self.touched = None;
        let outcome = self.perform(act);
        if let (Err(_), Some(at)) = (&outcome, self.touched) {
            self.applications[at].settling = true;
        }
        (act, outcome)
    }

    fn perform(&mut self, act: Act) -> Result<(), Lost> {
        match act {
            Act::Register => self.register(),
            Act::Allow => self.allow().map(drop),
            Act::Exchange => self.allow_and_exchange(),
            Act::Refresh => self.refresh(),
            Act::RefreshTwice => self.refresh_twice_at_once(),
            Act::ExchangeTwice => self.exchange_twice_at_once(),
            Act::ReplayCode => self.replay_code(),
            Act::RevokeAccess => self.revoke_access_token(),
            Act::RevokeFamily => self.revoke_refresh_token(),
            Act::Disallow => self.revoke_consent(),
            Act::ResetSecret => self.reset_secret(),
            Act::Delete => self.delete_application(),
            Act::AddPerson => self.add_person(),
            Act::SetLimit => self.set_limit(),
        }
    }

    fn register(&mut self) -> Result<(), Lost> {
        let name = format!("application {}", self.random.word());
        let client = WireClient::register(&self.wire, &self.user, &name, &json!({"profile": "oauth21"}))?;
        self.applications.push(Application {
            client,
            name,
            fate: Fate::Alive,
            secret: Fate::Alive,
            old_secret: None,
            consent: Fate::Ended,
            settling: false,
            round: self.round,
        });
        Ok(())
    }

    /// Allows an application, which yields a code.
    fn allow(&mut self) -> Result<Option<usize>, Lost> {
        let Some(at) = self.pick_application(Application::can_ask) else {
            return self.register().map(|()| None);
        };
        let verifier = self.random.verifier();
        let application = &mut self.applications[at];
        application.round = self.round;
        if application.consent == Fate::Ended {
            application.consent = Fate::Unsure;
        }
        #[expect(clippy::disallowed_methods, reason = "the server's codes age by the machine's clock")]
        let issued = Instant::now();
        let code = application.client.code(&self.wire, &self.user, &verifier)?;
        self.signed_in = true;
        application.consent = Fate::Alive;
        let (fate, round) = (Fate::Alive, self.round);
        self.codes.push(Code { application: at, text: code, verifier, fate, grant: None, issued, round });
        Ok(Some(self.codes.len() - 1))
    }

    fn allow_and_exchange(&mut self) -> Result<(), Lost> {
        match self.allow()? {
            Some(at) => self.exchange(at),
            None => Ok(()),
        }
    }

    /// Exchanges a code that must be valid.
    pub(super) fn exchange(&mut self, at: usize) -> Result<(), Lost> {
        let code = &mut self.codes[at];
        (code.fate, code.round) = (Fate::Unsure, self.round);
        let client = &self.applications[code.application].client;
        let answer = client.exchange(&self.wire, &code.text, &code.verifier)?;
        assert_eq!(answer.status, 200, "{answer:?}");
        code.fate = Fate::Ended;
        self.grant_of(at, &answer);
        Ok(())
    }

    /// Records the grant of a code.
    pub(super) fn grant_of(&mut self, code: usize, answer: &WireAnswer) {
        let tokens = answer.json();
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        self.grants.push(Grant {
            application: self.codes[code].application,
            access: text("access_token"),
            access_fate: Fate::Alive,
            refresh: text("refresh_token"),
            rotating: false,
            fate: Fate::Alive,
            round: self.round,
        });
        self.codes[code].grant = Some(self.grants.len() - 1);
    }

    /// Two concurrent requests exchange one code: at most one gets tokens, and the other attempt revokes
    /// them.
    fn exchange_twice_at_once(&mut self) -> Result<(), Lost> {
        let Some(at) = self.allow()? else { return Ok(()) };
        let code = &mut self.codes[at];
        code.fate = Fate::Unsure;
        let client = &self.applications[code.application].client;
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(|| client.exchange(&self.wire, &code.text, &code.verifier));
            (client.exchange(&self.wire, &code.text, &code.verifier), other.join().unwrap())
        });
        let answers: Vec<&WireAnswer> = [&first, &second].into_iter().flatten().collect();
        let given: Vec<&WireAnswer> = answers.iter().copied().filter(|answer| answer.status == 200).collect();
        assert!(given.len() < 2, "a code was exchanged twice: {given:?}");
        assert!(answers.len() < 2 || given.len() == 1, "nobody got tokens: {answers:?}");
        if let [given] = given[..] {
            self.codes[at].fate = Fate::Ended;
            self.grant_of(at, given);
            let refused = answers.len() == 2;
            self.grants.last_mut().unwrap().fate = if refused { Fate::Ended } else { Fate::Unsure };
        }
        first?;
        second.map(drop)
    }

    fn refresh(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_grant() else { return self.allow_and_exchange() };
        let grant = &mut self.grants[at];
        (grant.rotating, grant.round) = (true, self.round);
        let answer = self.applications[grant.application].client.refresh(&self.wire, &grant.refresh)?;
        grant.take(&answer);
        Ok(())
    }

    /// Two concurrent requests refresh with one token: both get the same successor.
    fn refresh_twice_at_once(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_grant() else { return self.allow_and_exchange() };
        let grant = &mut self.grants[at];
        (grant.rotating, grant.round) = (true, self.round);
        let client = &self.applications[grant.application].client;
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(|| client.refresh(&self.wire, &grant.refresh));
            (client.refresh(&self.wire, &grant.refresh), other.join().unwrap())
        });
        let (first, second) = (first?, second?);
        grant.take(&first);
        let successor = grant.refresh.clone();
        grant.take(&second);
        assert_eq!(grant.refresh, successor, "the family has forked");
        Ok(())
    }

    /// Presents a code again, which revokes its grant.
    pub(super) fn replay_code(&mut self) -> Result<(), Lost> {
        let (applications, round) = (&self.applications, self.round);
        // The replay of an expired code is refused as well, but no longer revokes anything.
        let fits = |code: &Code| {
            code.round == round && code.grant.is_some() && applications[code.application].can_ask()
        };
        let Some(at) = Self::pick(&mut self.random, &self.codes, fits) else { return Ok(()) };
        let code = &self.codes[at];
        self.touched = Some(code.application);
        let grant = &mut self.grants[code.grant.expect("it was picked for having one")];
        if grant.fate == Fate::Alive {
            (grant.fate, grant.round) = (Fate::Unsure, self.round);
        }
        let client = &self.applications[code.application].client;
        let answer = client.exchange(&self.wire, &code.text, &code.verifier)?;
        assert_eq!((answer.status.as_u16(), &*error_of(&answer)), (400, "invalid_grant"), "{answer:?}");
        (grant.fate, grant.round) = (Fate::Ended, self.round);
        Ok(())
    }

    fn revoke_access_token(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_grant() else { return Ok(()) };
        let grant = &mut self.grants[at];
        (grant.access_fate, grant.round) = (Fate::Unsure, self.round);
        let client = &self.applications[grant.application].client;
        assert_eq!(client.revoke(&self.wire, &grant.access)?.status, 200);
        grant.access_fate = Fate::Ended;
        Ok(())
    }

    fn revoke_refresh_token(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_grant() else { return Ok(()) };
        let grant = &mut self.grants[at];
        (grant.fate, grant.round) = (Fate::Unsure, self.round);
        let client = &self.applications[grant.application].client;
        assert_eq!(client.revoke(&self.wire, &grant.refresh)?.status, 200);
        grant.fate = Fate::Ended;
        Ok(())
    }

    fn revoke_consent(&mut self) -> Result<(), Lost> {
        let fits = |application: &Application| application.consent == Fate::Alive && application.is_alive();
        let Some(at) = self.pick_application(fits) else { return Ok(()) };
        let path = format!("/api/mgmt/oauth/client/allowedapplications/{}", self.applications[at].client.id);
        self.all_of(at, Fate::Unsure);
        let answer = self.wire.delete(&path, &self.user)?;
        assert_eq!(answer.status, 204, "{answer:?}");
        self.all_of(at, Fate::Ended);
        Ok(())
    }

    fn reset_secret(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_application(Application::can_ask) else {
            return Ok(());
        };
        // The consent stays valid; the grant does not.
        let consent = self.applications[at].consent;
        self.all_of(at, Fate::Unsure);
        let application = &mut self.applications[at];
        (application.secret, application.consent) = (Fate::Unsure, Fate::Unsure);
        let path = format!("{}/reset", application.client.path());
        let answer = self.wire.put_json(&path, &self.user, &json!({}))?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let fresh = WireClient::shown(&answer);
        self.all_of(at, Fate::Ended);
        let application = &mut self.applications[at];
        application.secret = Fate::Alive;
        // Whether the next request asks for consent again is the server's decision.
        application.consent = if consent == Fate::Ended { Fate::Ended } else { Fate::Unsure };
        application.old_secret = Some(std::mem::replace(&mut application.client, fresh).client_secret);
        Ok(())
    }

    fn delete_application(&mut self) -> Result<(), Lost> {
        let Some(at) = self.pick_application(Application::is_alive) else { return Ok(()) };
        self.all_of(at, Fate::Unsure);
        self.applications[at].fate = Fate::Unsure;
        let answer = self.wire.delete(&self.applications[at].client.path(), &self.user)?;
        assert_eq!(answer.status, 204, "{answer:?}");
        self.all_of(at, Fate::Ended);
        self.applications[at].fate = Fate::Ended;
        Ok(())
    }

    fn add_person(&mut self) -> Result<(), Lost> {
        let name = format!("person-{}", self.random.word());
        let account = json!({"userName": name, "passwordInfo": {"password": "one of very many people"}});
        let answer = self.wire.post_json("/api/admin/users", &ADMIN, &account)?;
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["id"].as_i64().unwrap_or_else(|| panic!("{answer:?}"));
        self.people.push(Person { id, name, round: self.round });
        Ok(())
    }

    fn set_limit(&mut self) -> Result<(), Lost> {
        let Some(limit) = self.limit else { return Ok(()) };
        // An earlier value without an answer may still be set after this one.
        if self.limit_values.len() > 1 {
            return Ok(());
        }
        let value = i64::try_from(1_000 + self.random.below(1_000)).expect("it is small");
        self.limit_values.push(value);
        let path = format!("/api/admin/limits/system/{limit}");
        let answer = self.wire.put_json(&path, &ADMIN, &json!({"value": value}))?;
        assert!(answer.status.is_success(), "{answer:?}");
        self.limit_values = vec![value];
        Ok(())
    }

    fn pick_grant(&mut self) -> Option<usize> {
        let applications = &self.applications;
        let fits = |grant: &Grant| grant.fate == Fate::Alive && applications[grant.application].can_ask();
        let picked = Self::pick(&mut self.random, &self.grants, fits);
        self.touched = picked.map(|at| self.grants[at].application);
        picked
    }
}

impl Grant {
    /// Records the tokens of a refresh that must succeed.
    pub(super) fn take(&mut self, answer: &WireAnswer) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let tokens = answer.json();
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        (self.access, self.refresh) = (text("access_token"), text("refresh_token"));
        (self.access_fate, self.rotating) = (Fate::Alive, false);
    }
}

/// The error code in a response of the token endpoint.
pub(super) fn error_of(answer: &WireAnswer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

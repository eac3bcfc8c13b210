//! Acknowledged operations: the answers that a worker got, and the operations without an answer.
//!
//! A [`Worker`] acts on a server and records what the server acknowledged. A fault of the server lets it become idle
//! again, and then each worker compares this or another node with its record. An operation without an answer has
//! happened, will happen before the server is idle, or never happens; until then the worker does not touch its subject.

mod acts;
mod verify;

pub use acts::{Act, Lost};

use std::time::{Duration, Instant};

use serde_json::json;

use crate::random::Random;
use crate::server::{ADMIN, TestUser};
use crate::wire::Wire;
use crate::wire_client::WireClient;

/// The state of a thing, as far as its owner knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its creation was acknowledged.
    Alive,
    /// Its end was acknowledged.
    Ended,
    /// An operation on it got no answer.
    Unsure,
}

#[derive(Debug)]
struct Application {
    client: WireClient,
    name: String,
    fate: Fate,
    /// The state of the client secret; a reset without an answer makes it unsure.
    secret: Fate,
    /// The secret before the last acknowledged reset.
    old_secret: Option<String>,
    /// The state of the user's consent; also `Ended` before the first one.
    consent: Fate,
    /// An operation on it got no answer and may still happen.
    settling: bool,
    round: u32,
}

impl Application {
    /// Whether its credentials are known to be valid.
    fn can_ask(&self) -> bool {
        self.is_alive() && self.secret == Fate::Alive
    }

    fn is_alive(&self) -> bool {
        self.fate == Fate::Alive && !self.settling
    }
}

#[derive(Debug)]
struct Grant {
    application: usize,
    access: String,
    access_fate: Fate,
    /// The last refresh token in an answer.
    refresh: String,
    /// A rotation got no answer.
    rotating: bool,
    fate: Fate,
    round: u32,
}

#[derive(Debug)]
struct Code {
    application: usize,
    text: String,
    verifier: String,
    /// `Alive` before an exchange was requested, `Ended` once it was answered.
    fate: Fate,
    /// The grant of its exchange.
    grant: Option<usize>,
    issued: Instant,
    round: u32,
}

/// A code of this age is too close to its expiry to predict its result.
const OLD_CODE: Duration = Duration::from_secs(45);

impl Code {
    fn may_have_expired(&self) -> bool {
        self.issued.elapsed() > OLD_CODE
    }
}

#[derive(Debug)]
struct Person {
    id: i64,
    name: String,
    round: u32,
}

/// A worker with its record. Nobody else touches the things in it.
pub struct Worker {
    user: TestUser,
    wire: Wire,
    random: Random,
    round: u32,
    signed_in: bool,
    applications: Vec<Application>,
    grants: Vec<Grant>,
    codes: Vec<Code>,
    people: Vec<Person>,
    /// The id of the limit that belongs to this worker; there are not enough limits for many workers.
    limit: Option<u32>,
    /// The possible values of that limit: the last known one, and one without an answer.
    limit_values: Vec<i64>,
    /// The application that the current operation is about.
    touched: Option<usize>,
    repeated: (usize, usize),
}

/// Limits that no part of this test reaches.
const LIMITS: [u32; 4] = [1, 6, 24, 25];

impl Worker {
    fn new(user: TestUser, wire: Wire, number: usize, random: Random) -> Self {
        let mut worker = Self {
            user,
            wire,
            random,
            round: 0,
            signed_in: false,
            applications: Vec::new(),
            grants: Vec::new(),
            codes: Vec::new(),
            people: Vec::new(),
            limit: LIMITS.get(number).copied(),
            limit_values: Vec::new(),
            touched: None,
            repeated: (0, 0),
        };
        worker.limit_values.extend(worker.limit.map(|limit| worker.limit_value(limit)));
        worker
    }

    /// Creates a worker for the server at `url`, with a new user. No other worker may use the number.
    ///
    /// # Errors
    /// If there is no answer.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn create(url: &str, number: usize, random: Random) -> Result<Self, Lost> {
        let name: &'static str = format!("worker{number}").leak();
        let user = TestUser { name, password: "many hands make light work" };
        let wire = Wire::new(url);
        let account = json!({
            "userName": name,
            "passwordInfo": {"password": user.password},
            "permissions": {"roles": [2]},
        });
        let made = wire.post_json("/api/admin/users", &ADMIN, &account)?;
        assert_eq!(made.status, 201, "{made:?}");
        Ok(Self::new(user, wire, number, random))
    }

    /// Makes the worker treat a server error as no answer.
    #[must_use]
    pub fn treating_failures_as_lost(self) -> Self {
        Self { wire: self.wire.treating_failures_as_lost(), ..self }
    }

    /// Continues at another URL, in the round with this number.
    pub fn move_to(&mut self, url: &str, round: u32) {
        self.wire = self.wire.at(url);
        self.round = round;
    }

    /// The number of the current round.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// The numbers of rotations and of exchanges that got no answer and were requested again.
    pub fn repeated(&self) -> (usize, usize) {
        self.repeated
    }

    /// The number of entries in the record.
    pub fn entries(&self) -> usize {
        self.applications.len() + self.grants.len() + self.codes.len() + self.people.len()
    }

    /// Picks one of the latest applications for which `fits` holds, as the subject of the current operation.
    fn pick_application(&mut self, fits: impl Fn(&Application) -> bool) -> Option<usize> {
        self.touched = Self::pick(&mut self.random, &self.applications, fits);
        self.touched
    }

    /// Picks the index of one of the latest things for which `fits` holds.
    fn pick<T>(random: &mut Random, things: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
        let latest: Vec<usize> = (0..things.len()).rev().filter(|&at| fits(&things[at])).take(12).collect();
        (!latest.is_empty()).then(|| latest[random.place(latest.len())])
    }

    /// Changes the state of everything that depends on an application, unless it has already ended.
    fn all_of(&mut self, application: usize, fate: Fate) {
        let round = self.round;
        let grants = self.grants.iter_mut().filter(|grant| grant.application == application);
        for grant in grants.filter(|grant| grant.fate != Fate::Ended) {
            (grant.fate, grant.round) = (fate, round);
        }
        let codes = self.codes.iter_mut().filter(|code| code.application == application);
        for code in codes.filter(|code| code.fate != Fate::Ended) {
            (code.fate, code.round) = (fate, round);
        }
        let application = &mut self.applications[application];
        application.round = round;
        if application.consent != Fate::Ended {
            application.consent = fate;
        }
    }
}

//! The ledger: what a hand was told, and about what it was told nothing.
//!
//! A [`Hand`] acts on a server and writes down what that acknowledged. Whoever disturbs the server meanwhile lets it
//! come to rest, and then each hand holds it to its ledger, at this node or another. An act without an answer has
//! happened, will happen until the server is at rest, or never happens; until then nobody touches what it was about.

mod acts;
mod verify;

pub use acts::{Act, Lost};

use std::time::{Duration, Instant};

use serde_json::json;

use crate::random::Random;
use crate::server::{ADMIN, TestUser};
use crate::wire::Wire;
use crate::wire_client::WireClient;

/// How something stands, as far as its owner was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was acknowledged that it is there.
    Alive,
    /// It was acknowledged that it ended.
    Ended,
    /// Something was asked for and no answer came.
    Unsure,
}

#[derive(Debug)]
struct Application {
    client: WireClient,
    name: String,
    fate: Fate,
    /// Of the client secret: a reset without an answer leaves it unsure.
    secret: Fate,
    /// The secret before the last acknowledged reset.
    old_secret: Option<String>,
    /// Of what the user allowed; `Ended` also before.
    consent: Fate,
    /// Something about it was left without an answer and may still happen.
    settling: bool,
    round: u32,
}

impl Application {
    /// Whether its credentials are known to be right.
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
    /// The last one that came in an answer.
    refresh: String,
    /// A rotation was asked for and no answer came.
    rotating: bool,
    fate: Fate,
    round: u32,
}

#[derive(Debug)]
struct Code {
    application: usize,
    text: String,
    verifier: String,
    /// `Alive` before an exchange was asked for, `Ended` when it was answered.
    fate: Fate,
    /// What its exchange gave.
    grant: Option<usize>,
    issued: Instant,
    round: u32,
}

/// A code of this age is too close to its end to say what must become of it.
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

/// One who acts, with a ledger. Nobody else touches what is in it.
pub struct Hand {
    user: TestUser,
    wire: Wire,
    random: Random,
    round: u32,
    signed_in: bool,
    applications: Vec<Application>,
    grants: Vec<Grant>,
    codes: Vec<Code>,
    people: Vec<Person>,
    /// The id of the limit that is this hand's; there are not enough of them for many hands.
    limit: Option<u32>,
    /// What it may be: the value known last, and one without an answer.
    limit_values: Vec<i64>,
    /// The application that the present act is about.
    touched: Option<usize>,
    asked_again: (usize, usize),
}

/// Limits that nothing in this test runs into.
const LIMITS: [u32; 4] = [1, 6, 24, 25];

impl Hand {
    fn new(user: TestUser, wire: Wire, number: usize, random: Random) -> Self {
        let mut hand = Self {
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
            asked_again: (0, 0),
        };
        hand.limit_values.extend(hand.limit.map(|limit| hand.limit_value(limit)));
        hand
    }

    /// A hand at the server at `url`, with a user of its own that it makes. The number is not used by another hand.
    ///
    /// # Errors
    /// When no answer comes.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn hire(url: &str, number: usize, random: Random) -> Result<Self, Lost> {
        let name: &'static str = format!("hand{number}").leak();
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

    /// The same hand, for which a server that says it failed has not answered.
    #[must_use]
    pub fn taking_failures_for_silence(self) -> Self {
        Self { wire: self.wire.taking_failures_for_silence(), ..self }
    }

    /// Goes on at another URL, in a round of this number.
    pub fn move_to(&mut self, url: &str, round: u32) {
        self.wire = self.wire.at(url);
        self.round = round;
    }

    /// The number of the present round.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// How many rotations, and how many exchanges, were left without an answer and asked for again.
    pub fn asked_again(&self) -> (usize, usize) {
        self.asked_again
    }

    /// How much it has written down.
    pub fn entries(&self) -> usize {
        self.applications.len() + self.grants.len() + self.codes.len() + self.people.len()
    }

    /// One of the latest applications for which `fits` holds; the present act is about it.
    fn pick_application(&mut self, fits: impl Fn(&Application) -> bool) -> Option<usize> {
        self.touched = Self::pick(&mut self.random, &self.applications, fits);
        self.touched
    }

    /// One of the latest things for which `fits` holds, by its place.
    fn pick<T>(random: &mut Random, things: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
        let latest: Vec<usize> = (0..things.len()).rev().filter(|&at| fits(&things[at])).take(12).collect();
        (!latest.is_empty()).then(|| latest[random.place(latest.len())])
    }

    /// Everything that rests on an application goes from one fate to another, unless it has ended already.
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

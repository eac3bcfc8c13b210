//! The ledger: what a hand was told, and about what it was told nothing.

use testkit::{Random, Served, TestUser, Wire, WireClient};

/// How something stands, as far as its owner was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was acknowledged that it is there.
    Alive,
    /// It was acknowledged that it ended.
    Ended,
    /// Something was asked for and no answer came.
    Unsure,
}

#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) client: WireClient,
    pub(crate) name: String,
    pub(crate) fate: Fate,
    /// Of the client secret: a reset without an answer leaves it unsure.
    pub(crate) secret: Fate,
    /// The secret before the last acknowledged reset.
    pub(crate) old_secret: Option<String>,
    /// Of what the user allowed; `Ended` also before.
    pub(crate) consent: Fate,
    pub(crate) round: u32,
}

impl Application {
    /// Whether its credentials are known to be right.
    pub(crate) fn can_ask(&self) -> bool {
        self.fate == Fate::Alive && self.secret == Fate::Alive
    }
}

#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) application: usize,
    pub(crate) access: String,
    pub(crate) access_fate: Fate,
    /// The last one that came in an answer.
    pub(crate) refresh: String,
    /// A rotation was asked for and no answer came.
    pub(crate) rotating: bool,
    pub(crate) fate: Fate,
    pub(crate) round: u32,
}

#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) application: usize,
    pub(crate) text: String,
    pub(crate) verifier: String,
    /// `Alive` before an exchange was asked for, `Ended` when it was answered.
    pub(crate) fate: Fate,
    /// What its exchange gave.
    pub(crate) grant: Option<usize>,
    pub(crate) round: u32,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) round: u32,
}

/// One who acts, with a ledger. Nobody else touches what is in it.
pub(crate) struct Hand {
    pub(crate) user: TestUser,
    pub(crate) wire: Wire,
    pub(crate) random: Random,
    pub(crate) round: u32,
    pub(crate) signed_in: bool,
    pub(crate) applications: Vec<Application>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) codes: Vec<Code>,
    pub(crate) people: Vec<Person>,
    /// The id of the limit that is this hand's.
    pub(crate) limit: u32,
    /// What it may be: the value known last, and one without an answer.
    pub(crate) limit_values: Vec<i64>,
    /// How many rotations, and how many exchanges, were left without an answer and asked for again.
    pub(crate) asked_again: (usize, usize),
}

/// Limits that nothing in this test runs into.
const LIMITS: [u32; 4] = [1, 6, 24, 25];

impl Hand {
    pub(crate) fn new(user: TestUser, wire: Wire, number: usize, random: Random) -> Self {
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
            limit: LIMITS[number],
            limit_values: Vec::new(),
            asked_again: (0, 0),
        };
        hand.limit_values.push(hand.limit_value());
        hand
    }

    pub(crate) fn move_to(&mut self, server: &Served, round: u32) {
        self.wire = self.wire.at(server.url());
        self.round = round;
    }

    pub(crate) fn round(&self) -> u32 {
        self.round
    }

    pub(crate) fn entries(&self) -> usize {
        self.applications.len() + self.grants.len() + self.codes.len() + self.people.len()
    }

    /// One of the latest things for which `fits` holds, by its place.
    pub(crate) fn pick<T>(random: &mut Random, things: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
        let latest: Vec<usize> = (0..things.len()).rev().filter(|&at| fits(&things[at])).take(12).collect();
        (!latest.is_empty()).then(|| latest[random.place(latest.len())])
    }

    /// Everything that rests on an application goes from one fate to another, unless it has ended already.
    pub(crate) fn all_of(&mut self, application: usize, fate: Fate) {
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

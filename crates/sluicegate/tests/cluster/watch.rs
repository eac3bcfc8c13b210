//! Tokens that are revoked at one node while they are used at all nodes.
//!
//! They are issued while the cluster is healthy, so that they can be revoked in the middle of a fault. Each
//! node has a client of its own, so that a hanging node does not delay requests to the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use testkit::histories::{Code, CodeAct, CodeAnswer, Event};
use testkit::{Random, WireClient};

use super::client::{BREATH, Client, CodeEvent, Use, is_refusal, text};
use super::counts::Counts;
use super::stage::{Cluster, NODES};

/// The number of tokens that are issued before a fault.
const STOCK: usize = 6;

/// How long a token is used after its revocation was acknowledged.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

/// A client that revokes tokens.
pub(crate) struct Watch<'a> {
    client: Client<'a>,
    stock: Vec<Tokens>,
    random: Random,
}

struct Tokens {
    code: String,
    verifier: String,
    access: String,
    refresh: String,
    /// How the grant was created, which is the start of its history.
    made: CodeEvent,
}

impl<'a> Watch<'a> {
    pub(crate) fn prepare(cluster: &'a Cluster, counts: &'a Counts, seed: u64) -> Self {
        let client = Client::new(cluster, counts, "watcher");
        Self { client, stock: Vec::new(), random: Random::new(seed) }
    }

    /// Issues tokens. This must succeed, because nothing fails at present.
    pub(crate) fn restock(&mut self) {
        self.stock.clear();
        for _ in 0..STOCK {
            let Client { application: client, wire, user, .. } = &self.client;
            let verifier = self.random.verifier();
            let code = client.code(wire, user, &verifier).expect("the cluster is well");
            let mut tokens = Value::Null;
            let exchange = || client.exchange(wire, &code, &verifier);
            let made = self.client.note(
                "watcher",
                exchange,
                |answer| {
                    tokens = answer.json();
                    CodeAnswer::Granted
                },
                |_| CodeAct::Redeem { late: false },
            );
            let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
            self.stock.push(Tokens { code, verifier, access, refresh, made });
        }
    }

    /// Revokes a token while it is used everywhere.
    ///
    /// # Panics
    /// If a node accepts it later than allowed.
    pub(crate) fn watch(&mut self) {
        let Some(tokens) = self.stock.pop() else {
            std::thread::sleep(BREATH);
            return;
        };
        let mut events = vec![tokens.made.clone()];
        let ended = AtomicBool::new(false);
        let mut random = Random::new(self.random.bits());
        let (this, tokens, ended) = (&*self, &tokens, &ended);
        std::thread::scope(|scope| {
            let users: Vec<_> =
                (0..NODES).map(|place| scope.spawn(move || this.use_at(place, tokens, ended))).collect();
            std::thread::sleep(BREATH * u32::try_from(random.below(10)).expect("it is small"));
            events.push(this.end(tokens, &mut random));
            std::thread::sleep(AFTERWARDS);
            ended.store(true, Ordering::SeqCst);
            events.extend(
                users.into_iter().flat_map(|user| user.join().expect("a user got a senseless response")),
            );
        });
        self.client.judge("revocations", &Code, &events);
    }

    /// Uses a token at one node again and again.
    fn use_at(&self, place: usize, tokens: &Tokens, ended: &AtomicBool) -> Vec<CodeEvent> {
        let (mut events, who) = (Vec::new(), format!("user at node {place}"));
        for by in [Use::Introspection, Use::Introspection, Use::Data].into_iter().cycle() {
            if ended.load(Ordering::SeqCst) {
                break;
            }
            let wire = testkit::Wire::new(&self.client.cluster.nodes()[place]).treating_failures_as_lost();
            events.push(self.client.use_token(&wire, &who, &tokens.access, by));
            std::thread::sleep(BREATH);
        }
        events
    }

    /// Revokes it in one of the possible ways, at a node that answers.
    fn end(&self, tokens: &Tokens, random: &mut Random) -> Event<CodeAct, CodeAnswer> {
        let way = random.below(3);
        let mut event = self.try_to_end(tokens, way, random);
        for _ in 0..NODES {
            if event.answered.is_some() {
                break;
            }
            // The attempt without an answer may have revoked it, so the operation started with the first
            // attempt.
            let invoked = event.invoked;
            event = Event { invoked, ..self.try_to_end(tokens, way, random) };
        }
        event
    }

    fn try_to_end(&self, tokens: &Tokens, way: u64, random: &mut Random) -> CodeEvent {
        let wire = self.client.node(random);
        let client: &WireClient = &self.client.application;
        let (revoke, granted) = (CodeAct::Revoke, CodeAnswer::Granted);
        match way {
            0 => self.client.revoke(&wire, "watcher", revoke, granted, &tokens.access),
            1 => self.client.revoke(&wire, "watcher", revoke, granted, &tokens.refresh),
            _ => {
                let replay = || client.exchange(&wire, &tokens.code, &tokens.verifier);
                let read = |answer: &testkit::WireAnswer| {
                    assert!(is_refusal(answer), "a code was redeemed twice: {answer:?}");
                    CodeAnswer::Refused
                };
                self.client.note("watcher", replay, read, |_| CodeAct::Redeem { late: false })
            }
        }
    }
}

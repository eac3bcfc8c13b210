//! Contention: several clients compete for one code or one refresh token family, at different nodes at the
//! same time.
//!
//! The answers form a history that must be linearizable. Each node checks tokens in memory and learns of a
//! revocation within a second, so a use may see a state that is up to a second old, and no older.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use testkit::histories::{Code, CodeAct, CodeAnswer, Event, Family, FamilyAct, FamilyAnswer};
use testkit::{Random, Wire, WireAnswer};

use super::client::{BREATH, Client, CodeEvent, NOTICE, Use, is_refusal, text};
use super::counts::Counts;
use super::stage::Cluster;

/// The number of competing clients, and what each of them does.
const RIVALS: usize = 3;
const CODE_ROUNDS: usize = 4;
const FAMILY_ROUNDS: usize = 8;

/// A code of this age may have expired.
const OLD_CODE: Duration = Duration::from_secs(45);

/// An application and its user, whose codes and families are contended.
pub(crate) struct Contention<'a> {
    client: Client<'a>,
    random: Random,
}

/// What the competitors know of one another's tokens.
#[derive(Default)]
struct Known {
    access: Vec<String>,
    /// The distinct tokens of each generation that were issued; more than one in a generation is a fault.
    refresh: Vec<Vec<String>>,
}

type FamilyEvent = Event<FamilyAct, FamilyAnswer>;

impl<'a> Contention<'a> {
    pub(crate) fn prepare(cluster: &'a Cluster, counts: &'a Counts, number: usize, seed: u64) -> Self {
        Self { client: Client::new(cluster, counts, &format!("rival{number}")), random: Random::new(seed) }
    }

    /// Runs one round of contention, and checks it.
    ///
    /// # Panics
    /// If the history is not linearizable.
    pub(crate) fn compete(&mut self) {
        let verifier = self.random.verifier();
        let issued = self.client.start.elapsed();
        let Ok(code) = self.client.application.code(&self.client.wire, &self.client.user, &verifier) else {
            std::thread::sleep(BREATH);
            return;
        };
        if self.random.below(2) == 0 {
            self.fight_for_code(&code, &verifier, issued);
        } else if let Ok(answer) = self.client.application.exchange(&self.client.wire, &code, &verifier) {
            assert_eq!(answer.status, 200, "{answer:?}");
            self.fight_for_family(&answer);
        }
    }

    fn fight_for_code(&mut self, code: &str, verifier: &str, issued: Duration) {
        let known = Mutex::new(Known::default());
        let mut events: Vec<CodeEvent> = fight(self.rivals(), |rival, random| {
            let mut events = Vec::new();
            for round in 0..CODE_ROUNDS {
                let dice = if round == 0 { 0 } else { random.below(10) };
                let latest = lock(&known).access.last().cloned();
                let wire = self.client.node(random);
                events.push(match latest {
                    Some(token) if dice >= 9 => {
                        self.client.revoke(&wire, rival, CodeAct::Revoke, CodeAnswer::Granted, &token)
                    }
                    Some(token) if dice >= 3 => self.client.use_token(&wire, rival, &token, Use::any(random)),
                    _ => self.redeem(&wire, rival, code, verifier, issued, &known),
                });
            }
            events
        });
        let tokens = lock(&known).access.clone();
        events.extend(self.use_everywhere(&tokens));
        self.client.judge("codes", &Code, &events);
    }

    fn fight_for_family(&mut self, first: &WireAnswer) {
        let first = first.json();
        let (access, refresh) =
            (vec![text(&first, "access_token")], vec![vec![text(&first, "refresh_token")]]);
        let known = Mutex::new(Known { access, refresh });
        let mut events: Vec<FamilyEvent> = fight(self.rivals(), |rival, random| {
            let mut events = Vec::new();
            for _ in 0..FAMILY_ROUNDS {
                let dice = random.below(100);
                let wire = self.client.node(random);
                let latest = lock(&known).access.last().cloned().expect("the first was given");
                events.push(match dice {
                    0..70 => self.refresh(&wire, rival, &known, random),
                    70..97 => as_family(self.client.use_token(&wire, rival, &latest, Use::any(random))),
                    _ => {
                        let newest = lock(&known).refresh.last().expect("the first was given")[0].clone();
                        self.client.revoke(&wire, rival, FamilyAct::Revoke, FamilyAnswer::Granted, &newest)
                    }
                });
            }
            events
        });
        let tokens = lock(&known).access.last().cloned();
        events.extend(self.use_everywhere(tokens.as_slice()).into_iter().map(as_family));
        self.client.judge("families", &Family, &events);
    }

    /// The choices of each competitor.
    fn rivals(&mut self) -> Vec<Random> {
        (0..RIVALS).map(|_| Random::new(self.random.bits())).collect()
    }

    /// Asks each node, after all of them have had the time to learn of the revocations.
    fn use_everywhere(&self, tokens: &[String]) -> Vec<CodeEvent> {
        std::thread::sleep(NOTICE);
        let nodes = self.client.cluster.nodes().into_iter().enumerate();
        let uses = nodes.flat_map(|(place, node)| {
            let wire = Wire::new(&node).treating_failures_as_lost();
            let who = format!("node {place}'s client");
            tokens
                .iter()
                .map(move |token| self.client.use_token(&wire, &who, token, Use::Introspection))
                .collect::<Vec<_>>()
        });
        uses.collect()
    }

    fn redeem(
        &self,
        wire: &Wire,
        who: &str,
        code: &str,
        verifier: &str,
        issued: Duration,
        known: &Mutex<Known>,
    ) -> CodeEvent {
        let ask = || self.client.application.exchange(wire, code, verifier);
        let read = |answer: &WireAnswer| {
            if is_refusal(answer) {
                return CodeAnswer::Refused;
            }
            lock(known).access.push(text(&answer.json(), "access_token"));
            CodeAnswer::Granted
        };
        self.client.note(who, ask, read, |end| CodeAct::Redeem { late: end > issued + OLD_CODE })
    }

    fn refresh(&self, wire: &Wire, who: &str, known: &Mutex<Known>, random: &mut Random) -> FamilyEvent {
        let (generation, token) = {
            let known = lock(known);
            let behind = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][random.place(10)];
            let generation = (known.refresh.len() - 1).saturating_sub(behind);
            (generation, known.refresh[generation][0].clone())
        };
        let number = |place: usize| u32::try_from(place).expect("a contention is short");
        let read = |answer: &WireAnswer| {
            if is_refusal(answer) {
                return FamilyAnswer::Refused;
            }
            let (tokens, mut known) = (answer.json(), lock(known));
            known.access.push(text(&tokens, "access_token"));
            let successor = text(&tokens, "refresh_token");
            if known.refresh.len() == generation + 1 {
                known.refresh.push(Vec::new());
            }
            let copies = &mut known.refresh[generation + 1];
            let copy = copies.iter().position(|copy| *copy == successor).unwrap_or_else(|| {
                copies.push(successor);
                copies.len() - 1
            });
            FamilyAnswer::Successor { generation: number(generation + 1), copy: number(copy) }
        };
        let act = |_| FamilyAct::Refresh { generation: number(generation), late: false };
        self.client.note(who, || self.client.application.refresh(wire, &token), read, act)
    }
}

/// Lets all competitors act at the same time.
fn fight<E: Send>(rivals: Vec<Random>, act: impl Fn(&str, &mut Random) -> Vec<E> + Sync) -> Vec<E> {
    let act = &act;
    std::thread::scope(|scope| {
        let rivals = rivals
            .into_iter()
            .enumerate()
            .map(|(number, mut random)| scope.spawn(move || act(&format!("rival {number}"), &mut random)));
        let rivals: Vec<_> = rivals.collect();
        rivals.into_iter().flat_map(|rival| rival.join().expect("a rival got a senseless response")).collect()
    })
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_family(event: CodeEvent) -> FamilyEvent {
    let answer = |answer| match answer {
        CodeAnswer::Granted => FamilyAnswer::Granted,
        CodeAnswer::Refused => FamilyAnswer::Refused,
    };
    let answered = event.answered.map(|(at, answered)| (at, answer(answered)));
    Event { who: event.who, act: FamilyAct::Use, invoked: event.invoked, answered }
}

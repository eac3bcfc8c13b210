//! Histories of correct servers are explained; those of servers with one fault each are not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use testkit::histories::{
    Code, CodeAct, CodeAnswer, Event, Family, FamilyAct, FamilyAnswer, Violation, check,
};

type CodeEvent = Event<CodeAct, CodeAnswer>;
type FamilyEvent = Event<FamilyAct, FamilyAnswer>;

/// One operation of a generated history, and its time.
#[derive(Debug, Clone)]
struct Step {
    /// In per cent.
    kind: u8,
    /// How many generations the presented token is behind the newest one.
    behind: u32,
    /// The time between the request, the operation and the answer.
    before: u64,
    after: u64,
    loss: Loss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    None,
    /// The operation happens and its answer is lost.
    Answer,
    /// The operation does not happen.
    Question,
}

/// Operations a second apart, each of which takes up to four seconds.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let loss = prop_oneof![6 => Just(Loss::None), 1 => Just(Loss::Answer), 1 => Just(Loss::Question)];
    let behind = prop_oneof![6 => Just(0_u32), 2 => Just(1), 1 => Just(2)];
    let step = (0..100_u8, behind, 0..2_000_u64, 0..2_000_u64, loss)
        .prop_map(|(kind, behind, before, after, loss)| Step { kind, behind, before, after, loss });
    vec(step, 1..most)
}

/// The history that results if the operations happen one after the other at their times.
fn history<Act: Copy, Answer>(
    steps: &[Step],
    choose: impl Fn(&Step) -> Act,
    mut act: impl FnMut(Act, &Step) -> Option<Answer>,
) -> Vec<Event<Act, Answer>> {
    let mut events = Vec::new();
    for (at, step) in (2_000..).step_by(1_000).zip(steps) {
        let chosen = choose(step);
        let answer = if step.loss == Loss::Question { None } else { act(chosen, step) };
        let answered = answer.filter(|_| step.loss == Loss::None);
        let answered = answered.map(|answer| (Duration::from_millis(at + step.after), answer));
        if step.loss == Loss::None && answered.is_none() {
            continue;
        }
        let invoked = Duration::from_millis(at - step.before);
        events.push(Event { who: format!("client {}", events.len()), act: chosen, invoked, answered });
    }
    events
}

/// The possible faults of a server for codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodeFault {
    None,
    GivesTwice,
    ReplayEndsNothing,
    ForgetsARevocation,
}

/// A server for one code, written independently of the model.
#[derive(Default)]
struct CodeServer {
    redeemed: u32,
    ended: bool,
}

impl CodeServer {
    /// `None` if nobody could request this.
    fn act(&mut self, act: CodeAct, fault: CodeFault) -> Option<CodeAnswer> {
        let yes = match act {
            CodeAct::Redeem { .. } => {
                let first = self.redeemed == 0;
                self.redeemed += 1;
                self.ended |= !first && fault != CodeFault::ReplayEndsNothing;
                first || (fault == CodeFault::GivesTwice && self.redeemed == 2)
            }
            _ if self.redeemed == 0 => return None,
            CodeAct::Use => !self.ended,
            CodeAct::Revoke => {
                self.ended |= fault != CodeFault::ForgetsARevocation;
                true
            }
        };
        Some(if yes { CodeAnswer::Granted } else { CodeAnswer::Refused })
    }
}

fn code_history(steps: &[Step], fault: CodeFault) -> Vec<CodeEvent> {
    let choose = |step: &Step| match step.kind {
        0..40 => CodeAct::Redeem { late: false },
        40..90 => CodeAct::Use,
        _ => CodeAct::Revoke,
    };
    let mut server = CodeServer::default();
    history(steps, choose, |act, _| server.act(act, fault))
}

/// The possible faults of a server for families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FamilyFault {
    None,
    /// One token has two different successors.
    Forks,
    /// A rotation is acknowledged and then lost.
    ForgetsARotation,
    ReplayEndsNothing,
    ForgetsARevocation,
}

#[derive(Default)]
struct FamilyServer {
    newest: u32,
    ended: bool,
}

impl FamilyServer {
    fn act(&mut self, act: FamilyAct, fault: FamilyFault) -> FamilyAnswer {
        match act {
            FamilyAct::Revoke => {
                self.ended |= fault != FamilyFault::ForgetsARevocation;
                FamilyAnswer::Granted
            }
            _ if self.ended => FamilyAnswer::Refused,
            FamilyAct::Use => FamilyAnswer::Granted,
            FamilyAct::Refresh { generation, .. } if generation == self.newest => {
                self.newest += u32::from(fault != FamilyFault::ForgetsARotation);
                FamilyAnswer::Successor { generation: generation + 1, copy: 0 }
            }
            FamilyAct::Refresh { generation, .. } if generation + 1 == self.newest => {
                FamilyAnswer::Successor {
                    generation: self.newest,
                    copy: u32::from(fault == FamilyFault::Forks),
                }
            }
            FamilyAct::Refresh { .. } => {
                self.ended |= fault != FamilyFault::ReplayEndsNothing;
                FamilyAnswer::Refused
            }
        }
    }
}

fn family_history(steps: &[Step], fault: FamilyFault) -> Vec<FamilyEvent> {
    let server = std::cell::RefCell::new(FamilyServer::default());
    let choose = |step: &Step| match step.kind {
        0..70 => {
            let generation = server.borrow().newest.saturating_sub(step.behind);
            FamilyAct::Refresh { generation, late: false }
        }
        70..97 => FamilyAct::Use,
        _ => FamilyAct::Revoke,
    };
    history(steps, choose, |act, _| Some(server.borrow_mut().act(act, fault)))
}

/// An operation that is answered before the next one is requested.
fn in_sequence<Act, Answer>(acts: Vec<(Act, Answer)>) -> Vec<Event<Act, Answer>> {
    let event = |(at, (act, answer))| Event {
        who: "client".to_owned(),
        act,
        invoked: Duration::from_secs(at),
        answered: Some((Duration::from_secs(at) + Duration::from_millis(500), answer)),
    };
    (0..).zip(acts).map(event).collect()
}

const REDEEM: CodeAct = CodeAct::Redeem { late: false };

fn refresh(generation: u32) -> FamilyAct {
    FamilyAct::Refresh { generation, late: false }
}

fn token(generation: u32) -> FamilyAnswer {
    FamilyAnswer::Successor { generation, copy: 0 }
}

/// Sequential rotations, one for each step, and then operations that reveal the fault of the server.
fn given_away(steps: &[Step], fault: FamilyFault) -> Vec<FamilyEvent> {
    let newest = u32::try_from(steps.len()).unwrap();
    let mut server = FamilyServer { newest, ..FamilyServer::default() };
    let acts = match fault {
        FamilyFault::None => vec![],
        FamilyFault::Forks => vec![refresh(newest), refresh(newest)],
        FamilyFault::ForgetsARotation => vec![refresh(newest), refresh(newest + 1), FamilyAct::Use],
        FamilyFault::ReplayEndsNothing => {
            vec![refresh(newest), refresh(newest + 1), refresh(newest), FamilyAct::Use]
        }
        FamilyFault::ForgetsARevocation => vec![FamilyAct::Revoke, FamilyAct::Use],
    };
    let before = (0..newest).map(|generation| (refresh(generation), token(generation + 1)));
    let shown = acts.into_iter().map(|act| match act {
        // The server is back at the previous generation.
        FamilyAct::Refresh { generation, .. } if generation > server.newest => (act, FamilyAnswer::Refused),
        _ => (act, server.act(act, fault)),
    });
    in_sequence(before.chain(shown).collect())
}

proptest! {
    #[test]
    fn histories_of_a_correct_code_server_are_linearizable(steps in steps(30)) {
        prop_assert_eq!(check(&Code, &code_history(&steps, CodeFault::None)), Ok(()));
    }

    #[test]
    fn histories_of_a_correct_family_server_are_linearizable(steps in steps(60)) {
        prop_assert_eq!(check(&Family, &family_history(&steps, FamilyFault::None)), Ok(()));
    }

    /// Whatever happened before, sequential operations afterwards reveal a faulty server.
    #[test]
    fn histories_of_a_faulty_code_server_are_refused(steps in steps(20)) {
        for fault in [CodeFault::GivesTwice, CodeFault::ReplayEndsNothing, CodeFault::ForgetsARevocation] {
            let shown = match fault {
                CodeFault::ForgetsARevocation => vec![REDEEM, CodeAct::Revoke, CodeAct::Use],
                _ => vec![REDEEM, REDEEM, CodeAct::Use],
            };
            let mut server = CodeServer::default();
            let shown = shown.into_iter().map(|act| (act, server.act(act, fault).unwrap())).collect();
            let mut events = in_sequence(shown);
            // Later operations of others that got no answer do not explain it.
            let end = Duration::from_secs(10);
            let later = code_history(&steps, CodeFault::None).into_iter();
            events.extend(later.map(|event| Event { invoked: event.invoked + end, answered: None, ..event }));
            prop_assert!(check(&Code, &events).is_err(), "{:?}", fault);
        }
    }

    #[test]
    fn histories_of_a_faulty_family_server_are_refused(steps in steps(40)) {
        use FamilyFault::{Forks, ForgetsARevocation, ForgetsARotation, ReplayEndsNothing};
        for fault in [Forks, ForgetsARotation, ReplayEndsNothing, ForgetsARevocation] {
            prop_assert!(check(&Family, &given_away(&steps, fault)).is_err(), "{:?}", fault);
        }
    }

    /// The search agrees with trying every order, which is only feasible for few operations.
    #[test]
    fn the_search_finds_an_order_exactly_when_there_is_one(
        steps in steps(7),
        answers in vec(any::<bool>(), 7),
    ) {
        let mut events = code_history(&steps, CodeFault::None);
        for (event, yes) in events.iter_mut().zip(answers) {
            if let Some((_, answer)) = &mut event.answered {
                *answer = if yes { CodeAnswer::Granted } else { CodeAnswer::Refused };
            }
        }
        let found = check(&Code, &events).is_ok();
        prop_assert_eq!(found, some_order_explains(&events, &mut Vec::new()));
    }
}

/// Tries every order of every subset of the operations without an answer.
fn some_order_explains(events: &[CodeEvent], order: &mut Vec<usize>) -> bool {
    use testkit::histories::Model;
    let complete =
        events.iter().enumerate().all(|(at, event)| event.answered.is_none() || order.contains(&at));
    if complete && respects_time(events, order) {
        let mut states = vec![Code.start()];
        for &at in order.iter() {
            let (act, answer) = (&events[at].act, events[at].answered.as_ref().map(|(_, answer)| answer));
            states = states.iter().flat_map(|state| Code.after(state, act, answer)).collect();
        }
        if !states.is_empty() {
            return true;
        }
    }
    (0..events.len()).any(|next| {
        if order.contains(&next) {
            return false;
        }
        order.push(next);
        let found = some_order_explains(events, order);
        order.pop();
        found
    })
}

fn respects_time(events: &[CodeEvent], order: &[usize]) -> bool {
    order.iter().enumerate().all(|(place, &later)| {
        order[place + 1..].iter().all(|&earlier| {
            events[earlier].answered.as_ref().is_none_or(|(end, _)| *end >= events[later].invoked)
        })
    })
}

fn offence<Answers: std::fmt::Debug>(outcome: Result<Answers, Violation>) -> usize {
    outcome.unwrap_err().answers
}

#[test]
fn a_code_yields_tokens_once_and_a_replay_revokes_them() {
    use CodeAnswer::{Granted, Refused};
    let right = [(REDEEM, Granted), (CodeAct::Use, Granted), (REDEEM, Refused), (CodeAct::Use, Refused)];
    assert_eq!(check(&Code, &in_sequence(right.to_vec())), Ok(()));
    assert_eq!(offence(check(&Code, &in_sequence(vec![(REDEEM, Granted), (REDEEM, Granted)]))), 2);
    let refused = [(REDEEM, Refused), (REDEEM, Granted)];
    assert_eq!(offence(check(&Code, &in_sequence(refused.to_vec()))), 1);
    let late = [(CodeAct::Redeem { late: true }, Refused)];
    assert_eq!(check(&Code, &in_sequence(late.to_vec())), Ok(()));
}

#[test]
fn an_old_token_yields_its_successor_until_that_is_used() {
    let no = FamilyAnswer::Refused;
    let right = vec![
        (refresh(0), token(1)),
        (refresh(0), token(1)),
        (refresh(1), token(2)),
        (refresh(0), no),
        (refresh(2), no),
        (FamilyAct::Use, no),
    ];
    assert_eq!(check(&Family, &in_sequence(right)), Ok(()));
    let fork = vec![(refresh(0), token(1)), (refresh(0), FamilyAnswer::Successor { generation: 1, copy: 1 })];
    assert_eq!(offence(check(&Family, &in_sequence(fork))), 2);
    let lives =
        vec![(refresh(0), token(1)), (refresh(1), token(2)), (refresh(0), no), (refresh(2), token(3))];
    assert_eq!(offence(check(&Family, &in_sequence(lives))), 4);
    let dies = vec![(refresh(0), token(1)), (refresh(0), no)];
    assert_eq!(offence(check(&Family, &in_sequence(dies))), 2);
}

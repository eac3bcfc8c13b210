//! Checks whether the answers that several concurrent clients got could come from a server that processes one
//! request after the other.
//!
//! A history is linearizable if every operation can be assigned a point in time between its request and its
//! answer, such that all answers are those of a [`Model`] that performs the operations in this order. An
//! operation without an answer may have happened at any time after its request, or never. The relevant models
//! are [`Code`] and [`Family`].
//!
//! The search is that of Wing and Gong with the cache that Lowe added: orders that lead to the same completed
//! operations and the same state are examined once. Each code and each family has its own history, which
//! keeps histories short.

mod code;
mod family;
mod search;

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::time::Duration;

pub use code::{Code, CodeAct, CodeAnswer, CodeState};
pub use family::{Family, FamilyAct, FamilyAnswer, FamilyState};

/// The behaviour of a server that processes one operation after the other.
pub trait Model {
    /// The stored state.
    type State: Clone + Eq + Hash;
    /// An operation; shown after "asked to".
    type Act: Display;
    /// An answer; shown after "was answered".
    type Answer: Display;

    /// The initial state.
    fn start(&self) -> Self::State;

    /// All states to which the operation may lead with this answer, or with any answer if there was none.
    /// Empty if the answer is wrong in this state.
    fn after(&self, state: &Self::State, act: &Self::Act, answer: Option<&Self::Answer>) -> Vec<Self::State>;
}

/// One operation of one client. Times are relative to an arbitrary start.
#[derive(Debug, Clone)]
pub struct Event<Act, Answer> {
    /// The client.
    pub who: String,
    /// The operation.
    pub act: Act,
    /// The earliest time at which the request may have taken effect.
    pub invoked: Duration,
    /// The time and the content of the answer; `None` if there was no answer, or one that leaves the result
    /// open.
    pub answered: Option<(Duration, Answer)>,
}

impl<Act, Answer> Event<Act, Answer> {
    /// The same event for a reader that may see a state as old as `time`: a node that learns of revocations
    /// in time, but not at once.
    #[must_use]
    pub fn may_be_stale_for(self, time: Duration) -> Self {
        Self { invoked: self.invoked.saturating_sub(time), ..self }
    }
}

/// An answer that no order of the operations explains, with everything before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The number of answers in the shortest history that cannot be explained.
    pub answers: usize,
    words: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Checks a history, whose events may be in any order.
///
/// # Errors
/// The shortest prefix of the history that the model does not explain.
pub fn check<M: Model>(model: &M, events: &[Event<M::Act, M::Answer>]) -> Result<(), Violation> {
    let all: Vec<&Event<M::Act, M::Answer>> = events.iter().collect();
    if search::is_explained(model, &all, Duration::MAX) {
        return Ok(());
    }
    let mut ends: Vec<Duration> =
        events.iter().filter_map(|event| Some(event.answered.as_ref()?.0)).collect();
    ends.sort_unstable();
    // Every prefix of an explained history is explained, so a binary search finds the first end that is not.
    let explained = ends.partition_point(|&end| search::is_explained(model, &all, end));
    let end = ends[explained];
    Err(Violation { answers: explained + 1, words: in_words(events, end) })
}

fn in_words<Act: Display, Answer: Display>(events: &[Event<Act, Answer>], end: Duration) -> String {
    let mut before: Vec<&Event<Act, Answer>> = events.iter().filter(|event| event.invoked <= end).collect();
    before.sort_by_key(|event| event.invoked);
    let lines = before.into_iter().map(|Event { who, act, invoked, answered }| {
        let answered = match answered {
            Some((at, answer)) if *at == end => format!("at {at:.3?} was answered {answer} <- this one"),
            Some((at, answer)) if *at < end => format!("at {at:.3?} was answered {answer}"),
            Some(_) => "had no answer yet".to_owned(),
            None => "never had an answer".to_owned(),
        };
        format!("\n  at {invoked:.3?} {who} asked to {act} and {answered}")
    });
    format!("no order explains the answer that came at {end:.3?}:{}", lines.collect::<String>())
}

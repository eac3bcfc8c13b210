//! Whether what several clients were told at once can be told by a server that does one thing after the other.
//!
//! A history is linearizable when every act can be given a moment between its question and its answer, so that all
//! answers are those of a [`Model`] that acts in the order of these moments. An act without an answer may have happened
//! at any moment after its question, or never. The models that matter here are [`Code`] and [`Family`].
//!
//! The search is the one of Wing and Gong with the memory that Lowe added: orders that come to the same acts done and the
//! same state are looked at once. Each code and each family has a history of its own, which keeps them short.

mod code;
mod family;
mod search;

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::time::Duration;

pub use code::{Code, CodeAct, CodeAnswer, CodeState};
pub use family::{Family, FamilyAct, FamilyAnswer, FamilyState};

/// What a server does when it does one thing after the other.
pub trait Model {
    /// What is stored.
    type State: Clone + Eq + Hash;
    /// What can be asked for; shown after "asked to".
    type Act: Display;
    /// What can be told; shown after "was told".
    type Answer: Display;

    /// What is stored at first.
    fn start(&self) -> Self::State;

    /// Every state that the act may lead to with this answer; without an answer, with any. None is left when the answer
    /// is wrong in this state.
    fn after(&self, state: &Self::State, act: &Self::Act, answer: Option<&Self::Answer>) -> Vec<Self::State>;
}

/// One act of one client. Times are counted from any one beginning.
#[derive(Debug, Clone)]
pub struct Event<Act, Answer> {
    /// Who asked.
    pub who: String,
    /// What for.
    pub act: Act,
    /// When the question may have begun to take effect.
    pub asked: Duration,
    /// When and what it was told; none when no answer came, or one that leaves open what happened.
    pub told: Option<(Duration, Answer)>,
}

impl<Act, Answer> Event<Act, Answer> {
    /// The same event of a reader that may see what was stored so long before it asked: a node that learns of
    /// revocations in time, but not at once.
    #[must_use]
    pub fn may_be_stale_for(self, time: Duration) -> Self {
        Self { asked: self.asked.saturating_sub(time), ..self }
    }
}

/// An answer that no order of the acts explains, with all that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// How many answers the shortest history has that cannot be explained.
    pub answers: usize,
    words: String,
}

impl Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Checks a history, in any order of events.
///
/// # Errors
/// The shortest beginning of the history that the model does not explain.
pub fn check<M: Model>(model: &M, events: &[Event<M::Act, M::Answer>]) -> Result<(), Offence> {
    let all: Vec<&Event<M::Act, M::Answer>> = events.iter().collect();
    if search::is_explained(model, &all, Duration::MAX) {
        return Ok(());
    }
    let mut ends: Vec<Duration> = events.iter().filter_map(|event| Some(event.told.as_ref()?.0)).collect();
    ends.sort_unstable();
    // What begins an explained history is explained, so the first end from which on it is not can be halved in on.
    let explained = ends.partition_point(|&end| search::is_explained(model, &all, end));
    let end = ends[explained];
    Err(Offence { answers: explained + 1, words: in_words(events, end) })
}

fn in_words<Act: Display, Answer: Display>(events: &[Event<Act, Answer>], end: Duration) -> String {
    let mut before: Vec<&Event<Act, Answer>> = events.iter().filter(|event| event.asked <= end).collect();
    before.sort_by_key(|event| event.asked);
    let lines = before.into_iter().map(|Event { who, act, asked, told }| {
        let told = match told {
            Some((at, answer)) if *at == end => format!("at {at:.3?} was told {answer} <- this one"),
            Some((at, answer)) if *at < end => format!("at {at:.3?} was told {answer}"),
            Some(_) => "had no answer yet".to_owned(),
            None => "never had an answer".to_owned(),
        };
        format!("\n  at {asked:.3?} {who} asked to {act} and {told}")
    });
    format!("no order explains the answer that came at {end:.3?}:{}", lines.collect::<String>())
}

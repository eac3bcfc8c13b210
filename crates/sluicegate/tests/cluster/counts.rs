//! Counts of operations and of their results.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use testkit::acknowledged::{Act, Lost};

use super::faults::Fault;

/// A run is only significant with at least this many operations of the workers.
const ENOUGH_ACTS: usize = 200;

/// Operations of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    acknowledged: usize,
    lost: usize,
}

#[derive(Default)]
struct Figures {
    faults: BTreeMap<String, usize>,
    acts: BTreeMap<Act, Count>,
    /// The last errors that workers got instead of an answer.
    losses: Vec<String>,
    /// The number of checked histories, and of the requests in them, by kind.
    histories: BTreeMap<&'static str, (usize, Count)>,
}

#[derive(Default)]
pub(crate) struct Counts(Mutex<Figures>);

impl Counts {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count_fault(&self, fault: Fault) {
        for kind in fault.kinds() {
            *self.figures().faults.entry(kind).or_default() += 1;
        }
    }

    pub(crate) fn count_act(&self, act: Act, outcome: &Result<(), Lost>) {
        let mut figures = self.figures();
        let count = figures.acts.entry(act).or_default();
        match outcome {
            Ok(()) => count.acknowledged += 1,
            Err(error) => {
                count.lost += 1;
                figures.losses.push(format!("{act}: {error}"));
            }
        }
    }

    pub(crate) fn count_history(&self, kind: &'static str, answered: usize, lost: usize) {
        let mut figures = self.figures();
        let (histories, count) = figures.histories.entry(kind).or_default();
        *histories += 1;
        count.acknowledged += answered;
        count.lost += lost;
    }

    /// The losses since the last call.
    pub(crate) fn take_losses(&self) -> Vec<String> {
        std::mem::take(&mut self.figures().losses)
    }

    pub(crate) fn proves_something(&self) -> bool {
        let figures = self.figures();
        let acts: usize = figures.acts.values().map(|count| count.acknowledged).sum();
        acts > ENOUGH_ACTS && figures.histories.len() == 3
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures();
        for (fault, times) in &figures.faults {
            writeln!(f, "{times:>8} x {fault}")?;
        }
        for (act, count) in &figures.acts {
            writeln!(f, "{:>8} acknowledged, {:>5} lost: {act}", count.acknowledged, count.lost)?;
        }
        for (kind, (histories, count)) in &figures.histories {
            let Count { acknowledged, lost } = count;
            writeln!(f, "{histories:>8} histories of {kind}: {acknowledged} answers, {lost} lost")?;
        }
        f.write_str("       0 violations")
    }
}

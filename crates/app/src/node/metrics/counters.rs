//! Counters with labels.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::OnceLock;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// How many combinations of labels are found without a lock.
const REMEMBERED: usize = 16;

/// A counter for each combination of labels. Those that are counted first are found by comparing, without a lock and
/// without hashing: a request counts several times, and nearly always the same.
#[derive(Debug)]
pub struct Counters<L> {
    family: Family<L, Counter>,
    remembered: [OnceLock<(L, Counter)>; REMEMBERED],
}

impl<L: Copy + Eq + Hash> Default for Counters<L> {
    fn default() -> Self {
        Self { family: Family::default(), remembered: Default::default() }
    }
}

impl<L: Copy + Eq + Hash + Debug + EncodeLabelSet + Send + Sync + 'static> Counters<L> {
    /// Counts one.
    pub fn inc(&self, labels: L) {
        for slot in &self.remembered {
            let (known, counter) = slot.get_or_init(|| (labels, self.family.get_or_create_owned(&labels)));
            if *known == labels {
                counter.inc();
                return;
            }
        }
        self.family.get_or_create(&labels).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(name, help, self.family.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OutcomeLabels, Word};
    use super::*;

    #[test]
    fn every_combination_is_counted_once() {
        const OUTCOMES: [&str; REMEMBERED + 2] =
            ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r"];
        let counters = Counters::default();
        for count in 0..OUTCOMES.len() {
            for outcome in &OUTCOMES[count..] {
                counters.inc(OutcomeLabels { outcome: Word(outcome) });
            }
        }
        let mut registry = Registry::default();
        counters.register(&mut registry, "test", "Test");
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for (at, outcome) in OUTCOMES.iter().enumerate() {
            let line = format!("test_total{{outcome=\"{outcome}\"}} {}\n", at + 1);
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}

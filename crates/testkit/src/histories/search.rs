//! The search for an order.

use std::collections::HashSet;
use std::time::Duration;

use super::{Event, Model};

/// The set of events that were put in order.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn nothing(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)])
    }

    fn has(&self, place: usize) -> bool {
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    fn with(&self, place: usize) -> Self {
        let mut more = self.clone();
        more.0[place / 64] |= 1 << (place % 64);
        more
    }
}

/// An event as known at a certain time: later answers are not known yet.
struct Seen<'a, Act, Answer> {
    event: &'a Event<Act, Answer>,
    answered: Option<(Duration, &'a Answer)>,
}

/// Whether the history up to and including `end` has an order that the model explains.
pub(super) fn is_explained<M: Model>(model: &M, events: &[&Event<M::Act, M::Answer>], end: Duration) -> bool {
    let events = events.iter().filter(|event| event.invoked <= end);
    let mut seen: Vec<Seen<'_, M::Act, M::Answer>> = events
        .map(|event| {
            let answered = event.answered.as_ref().filter(|(at, _)| *at <= end);
            Seen { event, answered: answered.map(|(at, answer)| (*at, answer)) }
        })
        .collect();
    // Answered events first, sorted by end: the first one that is not done limits what can come next.
    seen.sort_by_key(|seen| seen.answered.map_or(Duration::MAX, |(at, _)| at));
    let answered = seen.iter().filter(|seen| seen.answered.is_some()).count();
    let first = (Done::nothing(seen.len()), model.start());
    let mut known = HashSet::from([first.clone()]);
    let mut waiting = vec![first];
    while let Some((done, state)) = waiting.pop() {
        let Some(limit) = (0..answered).find(|&place| !done.has(place)) else { return true };
        let limit = seen[limit].answered.map_or(Duration::MAX, |(at, _)| at);
        // An operation whose request came after an answer follows the operation of that answer.
        let next =
            seen.iter().enumerate().filter(|(place, next)| !done.has(*place) && next.event.invoked <= limit);
        let mut reached = Vec::new();
        for (place, next) in next {
            let answer = next.answered.map(|(_, answer)| answer);
            let after = model.after(&state, &next.event.act, answer);
            let changes_nothing = after.as_slice() == [state.clone()];
            match answer {
                // Any later event may as well follow this one, so no other order need be tried.
                Some(_) if changes_nothing => {
                    reached = vec![(done.with(place), state)];
                    break;
                }
                // An operation without an answer and without an effect need not have happened.
                None => reached
                    .extend(after.into_iter().filter(|to| *to != state).map(|to| (done.with(place), to))),
                Some(_) => reached.extend(after.into_iter().map(|to| (done.with(place), to))),
            }
        }
        waiting.extend(reached.into_iter().filter(|reached| known.insert(reached.clone())));
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::time::Duration;

    use super::super::{Event, Model, check};

    /// A register, the standard example in the literature.
    struct Register;

    enum Act {
        Write(u8),
        Read,
    }

    struct Value(u8);

    impl fmt::Display for Act {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Write(value) => write!(f, "write {value}"),
                Self::Read => f.write_str("read"),
            }
        }
    }

    impl fmt::Display for Value {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    impl Model for Register {
        type State = u8;
        type Act = Act;
        type Answer = Value;

        fn start(&self) -> u8 {
            0
        }

        fn after(&self, state: &u8, act: &Act, answer: Option<&Value>) -> Vec<u8> {
            match (act, answer) {
                (Act::Write(value), _) => vec![*value],
                (Act::Read, Some(answered)) if answered.0 != *state => vec![],
                (Act::Read, _) => vec![*state],
            }
        }
    }

    fn event(who: &str, act: Act, invoked: u64, answered: Option<(u64, u8)>) -> Event<Act, Value> {
        let answered = answered.map(|(at, value)| (Duration::from_secs(at), Value(value)));
        Event { who: who.to_owned(), act, invoked: Duration::from_secs(invoked), answered }
    }

    #[test]
    fn concurrent_operations_may_have_any_order() {
        for read in [0, 1] {
            let history = [
                event("a", Act::Write(1), 0, Some((10, 0))),
                event("b", Act::Read, 1, Some((9, read))),
                event("b", Act::Read, 11, Some((12, 1))),
            ];
            assert_eq!(check(&Register, &history), Ok(()));
        }
    }

    #[test]
    fn a_value_that_was_read_cannot_revert() {
        let history = [
            event("a", Act::Write(1), 0, Some((10, 0))),
            event("b", Act::Read, 1, Some((2, 1))),
            event("c", Act::Read, 3, Some((4, 0))),
            event("c", Act::Read, 20, Some((21, 1))),
        ];
        let offence = check(&Register, &history).unwrap_err();
        assert_eq!(offence.answers, 2, "what came later is not to blame: {offence}");
        assert_eq!(
            offence.to_string(),
            "no order explains the answer that came at 4.000s:\n  \
             at 0.000ns a asked to write 1 and had no answer yet\n  \
             at 1.000s b asked to read and at 2.000s was answered 1\n  \
             at 3.000s c asked to read and at 4.000s was answered 0 <- this one"
        );
    }

    #[test]
    fn an_acknowledged_write_must_be_visible() {
        let history = [event("a", Act::Write(1), 0, Some((1, 0))), event("b", Act::Read, 2, Some((3, 0)))];
        assert!(check(&Register, &history).is_err());
        let [written, read] = history;
        let stale = read.may_be_stale_for(Duration::from_secs(1));
        assert_eq!(check(&Register, &[written, stale]), Ok(()), "it was asked as early as the answer came");
    }

    #[test]
    fn an_unanswered_operation_may_happen_late_or_never() {
        let lost = || event("a", Act::Write(1), 0, None);
        for reads in [[0, 0], [0, 1], [1, 1]] {
            let [first, second] = reads;
            let history = [
                lost(),
                event("b", Act::Read, 5, Some((6, first))),
                event("b", Act::Read, 7, Some((8, second))),
            ];
            assert_eq!(check(&Register, &history), Ok(()));
        }
        let history =
            [lost(), event("b", Act::Read, 5, Some((6, 1))), event("b", Act::Read, 7, Some((8, 0)))];
        assert!(check(&Register, &history).is_err(), "it has happened once");
    }

    #[test]
    fn many_concurrent_reads_do_not_slow_the_search() {
        let reads = |value: u8| (0..60).map(move |_| event("b", Act::Read, 1, Some((9, value))));
        let mut history: Vec<_> = reads(1).chain(reads(0)).collect();
        history.push(event("a", Act::Write(1), 0, Some((10, 0))));
        assert_eq!(check(&Register, &history), Ok(()));
        history.push(event("c", Act::Read, 11, Some((12, 0))));
        assert_eq!(check(&Register, &history).unwrap_err().answers, 122);
    }

    #[test]
    fn many_unanswered_operations_do_not_slow_the_search() {
        let mut history: Vec<_> = (0..200).map(|_| event("a", Act::Read, 0, None)).collect();
        history.extend((0..40).map(|at| event("b", Act::Write(1), at, None)));
        history.extend(
            (50..500).map(|at| event("c", Act::Read, at * 2, Some((at * 2 + 1, u8::from(at > 200))))),
        );
        assert_eq!(check(&Register, &history), Ok(()));
    }
}

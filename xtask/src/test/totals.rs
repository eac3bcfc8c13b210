//! What test programs report.

use std::collections::BTreeSet;

/// Counts of tests, added up over programs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
    /// The programs that failed.
    pub(super) failed_targets: Vec<String>,
}

impl Totals {
    /// Adds the counts of other programs.
    pub(super) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.failed_targets.extend_from_slice(&other.failed_targets);
    }

    /// Adds a summary line of the test runner: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    pub(super) fn add_line(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.1.split("; ") {
            let Some((number, word)) = count.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// The tests that have run for over a minute and have not ended.
#[derive(Debug, Default)]
pub(super) struct Slow(BTreeSet<String>);

impl Slow {
    /// Follows a line of the test runner.
    pub(super) fn follow(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test ") else {
            return;
        };
        if let Some(name) = rest.strip_suffix(" has been running for over 60 seconds") {
            self.0.insert(name.to_owned());
        } else if let Some((name, _)) = rest.split_once(" ... ") {
            self.0.remove(name);
        }
    }

    /// Their names.
    pub(super) fn names(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Slow, Totals};

    #[test]
    fn summary_lines_of_several_programs_are_added_up() {
        let mut totals = Totals::default();
        totals.add_line(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
        );
        totals.add_line("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out");
        totals.add_line("test token::a_code_cannot_be_exchanged_twice ... ok");
        let other = Totals { passed: 1, failed_targets: vec!["web odata".to_owned()], ..Totals::default() };
        totals.add(&other);
        let failed_targets = vec!["web odata".to_owned()];
        assert_eq!(totals, Totals { passed: 8, failed: 3, ignored: 1, failed_targets });
    }

    #[test]
    fn tests_that_run_for_long_are_known_until_they_end() {
        let mut slow = Slow::default();
        for line in [
            "test a::ends has been running for over 60 seconds",
            "test a::hangs has been running for over 60 seconds",
            "test a::quick ... ok",
            "test a::ends ... ok",
        ] {
            slow.follow(line);
        }
        assert_eq!(slow.names(), "a::hangs");
    }
}

//! What `doctor` has found.

use serde_json::{Value, json};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// It is as it should be.
    Good,
    /// It could not be looked at, or it may be as it is wanted.
    Note,
    /// It works, and should be changed.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding. Its words contain no secret.
#[derive(Debug)]
struct Finding {
    /// What was looked at, in one word.
    subject: &'static str,
    level: Level,
    message: String,
    /// What to do; empty if there is nothing.
    advice: String,
}

/// The maximum length of a message in characters.
const LONGEST: usize = 600;

/// A message in one line, without characters that control a terminal, because other programs may have written a part of it.
fn shown(message: &str) -> String {
    let plain = |one| match one {
        '\n' => ' ',
        one if char::is_control(one) => '\u{fffd}',
        one => one,
    };
    message.chars().take(LONGEST).map(plain).collect()
}

/// All findings, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, subject: &'static str, message: impl Into<String>) {
        self.add(subject, Level::Good, message, "");
    }

    pub(super) fn note(
        &mut self,
        subject: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(subject, Level::Note, message, advice);
    }

    pub(super) fn warning(
        &mut self,
        subject: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(subject, Level::Warning, message, advice);
    }

    pub(super) fn error(
        &mut self,
        subject: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(subject, Level::Error, message, advice);
    }

    fn add(
        &mut self,
        subject: &'static str,
        level: Level,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.0.push(Finding { subject, level, message: shown(&message.into()), advice: advice.into() });
    }

    /// How many have this level.
    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    pub(super) fn in_json(&self) -> Value {
        let findings = self.0.iter().map(|finding| {
            json!({
                "subject": finding.subject,
                "level": finding.level.as_str(),
                "message": finding.message,
                "advice": finding.advice,
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "errors": self.count(Level::Error),
            "warnings": self.count(Level::Warning),
            "findings": findings.collect::<Vec<_>>(),
        })
    }

    /// One line for each, with the advice below, and a last line that counts.
    pub(super) fn in_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for finding in &self.0 {
            lines.push(format!("{:<8} {}: {}", finding.level.as_str(), finding.subject, finding.message));
            if !finding.advice.is_empty() {
                lines.push(format!("{:<8} {}", "", finding.advice));
            }
        }
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        lines.push(format!("errors: {errors}, warnings: {warnings}"));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_says_does_not_control_the_terminal() {
        let mut findings = Findings::default();
        findings.error("server", format!("\x1b[2Jit says {}\nand more", "x".repeat(1_000_000)), "Look.");
        let lines = findings.in_lines();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].len() < 1_000 && lines.iter().all(|line| !line.contains(char::is_control)));
    }
}

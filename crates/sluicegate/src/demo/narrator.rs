//! Narrates the walkthrough while it runs.

use crate::http_client::HttpAnswer;
use crate::terminal::say;

/// Counts the steps and prints them.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    steps: u32,
    message: String,
}

impl Narrator {
    /// Starts a new step with a request.
    pub(super) fn step(&mut self, what: &str, method: &str, path: &str) {
        self.steps += 1;
        self.message = format!("{:2}. {what}\n    {method} {path}", self.steps);
    }

    /// Continues the same step with another request.
    pub(super) fn part(&mut self, what: &str, method: &str, path: &str) {
        self.message = format!("    {what}\n    {method} {path}");
    }

    /// Prints the result of the request.
    pub(super) fn outcome(&mut self, answer: &HttpAnswer, words: &str) {
        say(&format!("{}\n    → {}: {words}", std::mem::take(&mut self.message), answer.status));
    }
}

/// Prints one more line about a result.
pub(super) fn detail(words: &str) {
    say(&format!("      {words}"));
}

/// The prefix and the end of a secret: enough to recognise it, too little to use it.
pub(super) fn shortened(secret: &str) -> String {
    let kind = secret.split_once('_').map_or("", |(kind, _)| kind);
    let end: String = secret.chars().skip(secret.chars().count().saturating_sub(4)).collect();
    format!("{kind}_…{end}")
}

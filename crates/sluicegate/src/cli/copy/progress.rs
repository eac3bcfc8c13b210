//! How far a copy has got, on a terminal as a bar, elsewhere as a line for each table.

use std::io::{IsTerminal, Write};

use super::super::terminal::{complain, say};

/// How wide the bar is.
const WIDTH: u64 = 40;

/// What is done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The target belongs to this copy; nothing is in it yet.
    Begun,
    /// What an interrupted copy left there is compared.
    Resuming,
    /// Rows are written.
    Copying,
    /// Rows are compared.
    Comparing,
    /// The embedded database is marked as moved, and the target is not open for use yet.
    Marked,
}

/// A step that was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) stage: Stage,
    /// The table; empty where the step is none of a table.
    pub(super) table: &'static str,
    /// How many of its rows are done.
    pub(super) rows: u64,
    /// Whether the table is through.
    pub(super) through: bool,
    /// Rows done in this stage, of all tables.
    pub(super) done: u64,
    /// Rows to be done in this stage, of all tables.
    pub(super) all: u64,
}

/// Somebody who watches.
pub(super) trait Watch {
    /// Takes notice of a step.
    ///
    /// # Errors
    /// When the copy is to end here.
    fn step(&mut self, step: &Step) -> anyhow::Result<()>;

    /// Takes notice of something out of the ordinary.
    fn note(&mut self, sentence: &str);
}

/// Whoever started the command.
pub(super) struct Terminal {
    bar: bool,
    shown: String,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { bar: std::io::stderr().is_terminal(), shown: String::new() }
    }

    fn show(&mut self, line: String) {
        if self.shown != line {
            // It may be shorter than the one before.
            let rubbed = self.shown.chars().count();
            let mut terminal = std::io::stderr().lock();
            let _ = write!(terminal, "\r{line:rubbed$}").and_then(|()| terminal.flush());
            self.shown = line;
        }
    }

    fn wipe(&mut self) {
        if !self.shown.is_empty() {
            self.show(String::new());
            let _ = write!(std::io::stderr().lock(), "\r");
        }
    }
}

impl Watch for Terminal {
    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let verb = match step.stage {
            Stage::Begun | Stage::Marked => return Ok(()),
            Stage::Resuming => "resuming",
            Stage::Copying => "copying",
            Stage::Comparing => "comparing",
        };
        if self.bar {
            self.show(format!("{verb:9}  {}  {}", bar(step.done, step.all), step.table));
        } else if step.through {
            say(&format!("{verb} {}: {} rows done", step.table, step.rows));
        }
        Ok(())
    }

    fn note(&mut self, sentence: &str) {
        self.wipe();
        complain(sentence);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A bar with its hundredths.
fn bar(done: u64, all: u64) -> String {
    let of = |whole: u64| (done.min(all) * whole).checked_div(all).unwrap_or(whole);
    let full = of(WIDTH);
    let part = |sign: &str, width: u64| sign.repeat(usize::try_from(width).unwrap_or(0));
    format!("[{}{}] {:3} %", part("#", full), part(".", WIDTH - full), of(100))
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn the_bar_is_as_full_as_it_says() {
        assert_eq!(bar(0, 4), format!("[{}]   0 %", ".".repeat(40)));
        assert_eq!(bar(1, 4), format!("[{}{}]  25 %", "#".repeat(10), ".".repeat(30)));
        assert_eq!(bar(5, 4), format!("[{}] 100 %", "#".repeat(40)));
        assert_eq!(bar(0, 0), bar(1, 1));
    }
}

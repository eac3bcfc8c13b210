//! The progress of a copy: a bar on a terminal, otherwise one line for each table.

use std::io::{IsTerminal, Write};

use crate::terminal::{complain, say};

/// The width of the bar.
const WIDTH: u64 = 40;

/// The current activity on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The target is reserved for this copy; it is still empty.
    Begun,
    /// Rows of an interrupted copy are compared.
    Resuming,
    /// Rows are written.
    Copying,
    /// Rows are compared.
    Comparing,
    /// The embedded database is marked as migrated; the target is not open for use yet.
    Marked,
}

/// A completed step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(super) stage: Stage,
    /// The table; empty if the step belongs to no table.
    pub(super) table: &'static str,
    /// The number of its rows that are done.
    pub(super) rows: u64,
    /// Whether the table is complete.
    pub(super) through: bool,
    /// Rows done in this stage, in all tables.
    pub(super) done: u64,
    /// Rows to do in this stage, in all tables.
    pub(super) all: u64,
}

/// An observer of the copy.
pub(super) trait Watch {
    /// Receives a step.
    ///
    /// # Errors
    /// If the copy should stop here.
    fn step(&mut self, step: &Step) -> anyhow::Result<()>;

    /// Receives a remark about something unusual.
    fn note(&mut self, sentence: &str);
}

/// The terminal as an observer.
pub(crate) struct Terminal {
    bar: bool,
    shown: String,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { bar: std::io::stderr().is_terminal(), shown: String::new() }
    }

    fn show(&mut self, line: String) {
        if self.shown != line {
            // The new line may be shorter than the previous one.
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

/// A progress bar with its percentage.
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

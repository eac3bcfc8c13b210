//! The tables, printed while measuring and written into the documentation on request.

use std::path::Path;

use anyhow::{Context, Result};

use crate::load::Measured;

/// A run writes the part of the page between two marks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    begin: &'static str,
    end: &'static str,
}

/// The embedded database.
pub(crate) const EMBEDDED: Marks = Marks {
    begin: "<!-- measured: begin (written by `cargo xtask bench --write`) -->\n",
    end: "<!-- measured: end -->",
};

/// Nodes that share a database.
pub(crate) const SHARED: Marks = Marks {
    begin: "<!-- measured on PostgreSQL: begin (written by `cargo xtask bench --database postgres --write`) -->\n",
    end: "<!-- measured on PostgreSQL: end -->",
};

/// Data sources of each kind.
pub(crate) const SOURCES: Marks = Marks {
    begin: "<!-- measured data sources: begin (written by `cargo xtask bench --sources --write`) -->\n",
    end: "<!-- measured data sources: end -->",
};

/// The results of a run, as Markdown.
pub(crate) struct Report {
    tables: String,
    facts: String,
    machine: String,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        println!("{machine}");
        Self { tables: String::new(), facts: String::new(), machine }
    }

    /// Starts the table of a workload.
    pub(crate) fn section(&mut self, title: &str) {
        self.print(&format!(
            "\n### {title}\n\n\
             | server | req/s | p50 ms | p99 ms | CPU µs/req | RSS MB | syncs | acts/sync |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|\n"
        ));
    }

    /// Adds the line of a server.
    pub(crate) fn row(&mut self, server: &str, measured: &Measured) {
        self.print(&row(server, measured));
    }

    /// Adds a figure that is not a load.
    pub(crate) fn fact(&mut self, name: &str, value: &str) {
        println!("\n{name}: {value}");
        self.facts.push_str("- ");
        self.facts.push_str(name);
        self.facts.push_str(": ");
        self.facts.push_str(value);
        self.facts.push('\n');
    }

    /// Replaces the part of the page between the marks.
    pub(crate) fn write(&self, page: &Path, marks: Marks) -> Result<()> {
        let text =
            std::fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
        let written = self
            .written_into(&text, marks)
            .with_context(|| format!("{} has lost its marks", page.display()))?;
        std::fs::write(page, written).with_context(|| format!("cannot write {}", page.display()))
    }

    fn written_into(&self, page: &str, marks: Marks) -> Option<String> {
        let Marks { begin, end } = marks;
        let (before, rest) = page.split_once(begin)?;
        let (_, after) = rest.split_once(end)?;
        let facts = if self.facts.is_empty() { String::new() } else { format!("\n{}", self.facts) };
        Some(format!("{before}{begin}\n{}.\n{}{facts}\n{end}{after}", self.machine, self.tables))
    }

    fn print(&mut self, text: &str) {
        print!("{text}");
        self.tables.push_str(text);
    }
}

fn row(server: &str, measured: &Measured) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let number = |value: u64| value as f64;
    let mut line = format!(
        "| {server} | {:.0} | {:.2} | {:.2} | {:.1} | {:.1} |",
        number(measured.requests) / measured.seconds,
        number(measured.p50_micros) / 1e3,
        number(measured.p99_micros) / 1e3,
        measured.cpu_micros_per_request,
        number(measured.resident_kib) / 1024.0,
    );
    let shared = match measured.syncs {
        None => " – | – |".to_owned(),
        Some(0) => " 0 | – |".to_owned(),
        Some(syncs) => format!(" {syncs} | {:.1} |", number(measured.requests) / number(syncs)),
    };
    line.push_str(&shared);
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::{EMBEDDED, Marks, Measured, Report, row};

    fn measured() -> Measured {
        Measured {
            requests: 10_000,
            seconds: 2.0,
            p50_micros: 1_234,
            p99_micros: 5_678,
            cpu_micros_per_request: 19.96,
            resident_kib: 20_480,
            syncs: Some(250),
        }
    }

    #[test]
    fn a_row_shows_rates_and_shares() {
        assert_eq!(row("x", &measured()), "| x | 5000 | 1.23 | 5.68 | 20.0 | 20.0 | 250 | 40.0 |\n");
    }

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let mut report = Report::new("a machine".to_owned());
        report.section("work");
        report.row("x", &measured());
        let Marks { begin, end } = EMBEDDED;
        let page = format!("# Performance\n\n{begin}old\n{end}\n\nAfter.\n");
        let written = report.written_into(&page, EMBEDDED).unwrap();
        assert!(written.starts_with("# Performance\n\n") && written.ends_with("\n\nAfter.\n"));
        assert!(!written.contains("old") && written.contains("### work") && written.contains("a machine."));
        assert_eq!(report.written_into("no marks", EMBEDDED), None);
    }
}

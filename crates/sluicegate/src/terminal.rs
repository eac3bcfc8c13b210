//! Messages and prompts on the terminal.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use domain::secret::Password;
use serde_json::Value;
use zeroize::Zeroizing;

/// Prints a line on standard output. A closed output is not an error.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints a line on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Shows progress, on a terminal only: a log does not need a hundred lines about it.
pub(crate) fn progress(what: &str, hundredths: u8) {
    let mut out = std::io::stderr().lock();
    if out.is_terminal() {
        let end = if hundredths >= 100 { "\n" } else { "" };
        let _ = write!(out, "\r{what}: {hundredths} %{end}").and_then(|()| out.flush());
    }
}

/// Prints a value as JSON.
pub(crate) fn show_json(value: &Value) {
    say(&format!("{value:#}"));
}

/// Asks for confirmation of an irreversible operation.
///
/// # Errors
/// If the answer is not yes, or if there is no terminal and `yes` was not given.
pub(crate) fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("{question} There is no terminal to confirm on: pass --yes. Nothing was changed");
    }
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{question} [y/N] ").and_then(|()| out.flush());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("no answer could be read from the terminal")?;
    if matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    bail!("nothing was changed")
}

/// Whether standard input is a terminal on which somebody can answer.
pub(crate) fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks twice for a new password, without showing it.
///
/// # Errors
/// If the two differ, or the terminal is closed.
pub(crate) fn ask_new_password(user: &str) -> anyhow::Result<Password> {
    let ask = |prompt: String| {
        let typed = rpassword::prompt_password(prompt).context("no password could be read from the terminal");
        typed.map(Password::new)
    };
    let first = ask(format!("New password for {user}: "))?;
    let second = ask(format!("The same again for {user}: "))?;
    if first.expose() != second.expose() {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(first)
}

/// Room for the longest password, so that the buffer never grows and leaves no part of a password behind.
const LINE_BYTES: usize = 1024;

/// Reads a password from the first line of standard input.
///
/// # Errors
/// If there is none.
pub(crate) fn read_password() -> anyhow::Result<Password> {
    let mut line = Zeroizing::new(String::with_capacity(LINE_BYTES));
    std::io::stdin().read_line(&mut line).context("no password could be read from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("standard input contains no password");
    }
    Ok(Password::new(password))
}

/// Prints a table; each column is as wide as its widest cell.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(&line(heads.to_vec()));
    for row in rows {
        say(&line(row.iter().map(String::as_str).collect()));
    }
}

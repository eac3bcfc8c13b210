//! The rules of architecture and style that the compiler does not know.
//!
//! There is one file for each rule, each a function from the [`Tree`] to faults. A fault says where it is and
//! what to do instead. Exceptions are listed with their reasons in `xtask/tidy/exceptions.toml`. An exception
//! that is no longer needed is a fault itself, so the list only grows by a reviewed line.

mod arrows;
mod attributes;
mod circles;
mod context;
mod database_kind;
mod decisions;
mod dependency_reasons;
mod error_codes;
mod exceptions;
mod fuzz_targets;
mod http_status;
mod items;
mod links;
mod migrations;
mod module_names;
mod old_words;
mod own_tables;
mod purity;
mod redirect_target;
mod secrets;
mod services;
mod size;
mod sleeping;
mod source;
mod spec_tables;
mod tree;
mod type_names;
mod unfinished;
mod words;

use std::fmt;

use anyhow::{Context, Result, bail};

use crate::workspace;
use exceptions::Exceptions;
use tree::Tree;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    path: String,
    /// The line, from 1; 0 stands for the whole file.
    line: usize,
    rule: &'static str,
    /// What exactly breaks the rule, if a file may contain several: the name of a function, for example.
    item: String,
    /// The measured value, for rules that set a limit.
    measure: Option<usize>,
    message: String,
}

impl Fault {
    fn new(rule: &'static str, path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            item: String::new(),
            measure: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.path, self.line, self.message, self.rule)
    }
}

type Rule = fn(&Tree) -> Vec<Fault>;

const RULES: &[Rule] = &[
    arrows::check,
    attributes::check,
    circles::check,
    context::check,
    database_kind::check,
    decisions::check,
    dependency_reasons::check,
    error_codes::check,
    fuzz_targets::check,
    http_status::check,
    links::check,
    migrations::check,
    module_names::check,
    old_words::check,
    own_tables::check,
    purity::check,
    redirect_target::check,
    secrets::check,
    services::check,
    size::check,
    sleeping::check,
    spec_tables::check,
    type_names::check,
    unfinished::check,
    words::check,
];

/// Checks the repository; the error lists every fault.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let tree = Tree::load(&root)?;
    let listed =
        std::fs::read_to_string(root.join(exceptions::PATH)).context("cannot read the list of exceptions")?;
    let exceptions = Exceptions::parse(&listed)?;
    let mut faults = exceptions.apply(RULES.iter().flat_map(|rule| rule(&tree)).collect());
    faults.sort();
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    bail!("{}\n{} faults", lines.join("\n"), lines.len())
}

//! The list of exceptions from rules, with reasons.

use anyhow::{Context, Result, bail};
use toml::Value;

use super::Fault;

/// The path of the list.
pub(super) const PATH: &str = "xtask/tidy/exceptions.toml";

const RULE: &str = "exceptions";

pub(super) struct Exceptions {
    entries: Vec<Exception>,
}

struct Exception {
    rule: String,
    path: String,
    /// Empty for everything in the file that breaks the rule.
    item: String,
    /// For rules that set a limit: the limit of this file or function, which must match exactly.
    limit: Option<usize>,
}

impl Exceptions {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document: toml::Table = text.parse().context("the list of exceptions is not TOML")?;
        let listed = document.get("exception").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut entries = Vec::new();
        for entry in &listed {
            let text =
                |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
            let exception = Exception {
                rule: text("rule"),
                path: text("path"),
                item: text("item"),
                limit: entry
                    .get("limit")
                    .and_then(Value::as_integer)
                    .and_then(|limit| usize::try_from(limit).ok()),
            };
            if exception.rule.is_empty() || exception.path.is_empty() || text("reason").is_empty() {
                bail!("an exception needs a rule, a path and a reason: {entry}");
            }
            entries.push(exception);
        }
        Ok(Self { entries })
    }

    /// Removes the excused faults, and adds one for each exception that is unused or larger than needed.
    pub(super) fn apply(&self, faults: Vec<Fault>) -> Vec<Fault> {
        let mut used = vec![false; self.entries.len()];
        let mut left = Vec::new();
        for fault in faults {
            match self.entries.iter().position(|exception| exception.covers(&fault)) {
                None => left.push(fault),
                Some(index) => {
                    used[index] = true;
                    left.extend(self.entries[index].judge(fault));
                }
            }
        }
        let unused = self.entries.iter().zip(used).filter(|(_, used)| !used);
        left.extend(unused.map(|(exception, _)| {
            let about = format!("{} {} {}", exception.rule, exception.path, exception.item);
            Fault::new(RULE, PATH, 0, format!("`{}` excuses nothing any more: delete it", about.trim()))
        }));
        left
    }
}

impl Exception {
    fn covers(&self, fault: &Fault) -> bool {
        self.rule == fault.rule
            && self.path == fault.path
            && (self.item.is_empty() || self.item == fault.item)
            && (!self.item.is_empty() || self.limit.is_none() || fault.item.is_empty())
    }

    fn judge(&self, mut fault: Fault) -> Option<Fault> {
        let (Some(limit), Some(measure)) = (self.limit, fault.measure) else {
            return None;
        };
        match measure.cmp(&limit) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => {
                fault.message =
                    format!("{} (its exception allows {limit} and may only shrink)", fault.message);
                Some(fault)
            }
            std::cmp::Ordering::Less => {
                fault.message = format!("is {measure} now: lower its exception from {limit}");
                Some(fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exceptions, Fault};

    fn long(item: &str, lines: usize) -> Fault {
        let fault = Fault::new("size", "a.rs", 1, "too long");
        Fault { item: item.to_owned(), measure: Some(lines), ..fault }
    }

    #[test]
    fn a_limit_may_only_shrink() {
        let text = "[[exception]]\nrule = 'size'\npath = 'a.rs'\nitem = 'f'\nlimit = 80\nreason = 'a table'";
        let exceptions = Exceptions::parse(text).unwrap();
        assert!(exceptions.apply(vec![long("f", 80)]).is_empty());
        assert!(exceptions.apply(vec![long("f", 81)])[0].message.contains("may only shrink"));
        assert!(exceptions.apply(vec![long("f", 79)])[0].message.contains("lower its exception from 80"));
        assert_eq!(exceptions.apply(vec![long("f", 80), long("g", 80)]).len(), 1);
    }

    #[test]
    fn an_unused_exception_is_a_fault() {
        let exceptions =
            Exceptions::parse("[[exception]]\nrule = 'size'\npath = 'a.rs'\nreason = 'x'").unwrap();
        assert_eq!(exceptions.apply(Vec::new()).len(), 1);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert!(Exceptions::parse("[[exception]]\nrule = 'size'\npath = 'a.rs'").is_err());
    }
}

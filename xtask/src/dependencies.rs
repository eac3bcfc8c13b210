//! Licences and duplicate versions of our dependencies.
//!
//! This is like `cargo deny`, which a new machine does not have, for the two checks that need no advisory
//! database. `xtask/dependencies.toml` lists what is allowed, with reasons; an entry that is no longer needed
//! is a fault too.
//!
//! Licences are checked for everything that takes part in a build, including tests. Versions are only counted
//! in what is shipped: a second version is a second copy in the binary, and two places to repair after a
//! vulnerability. Dependencies of tests only cost compile time, and their authors decide when to upgrade.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};

const LIST: &str = "xtask/dependencies.toml";

/// A part of the dependency tree.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// All members of the workspace, with their tests and build scripts.
    Everything,
    /// The server, with its build scripts.
    Shipped,
}

impl Part {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Everything => &["--workspace", "--edges", "all"],
            Self::Shipped => &["--package", "sluicegate", "--edges", "normal,build"],
        }
    }
}

/// Checks the build for the platform for which we ship.
pub(crate) fn check() -> Result<()> {
    let root = workspace::root();
    let listed = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let policy = Policy::parse(&listed)?;
    let mut faults = policy.licence_faults(&Package::built(&root, Part::Everything)?);
    faults.extend(policy.duplicate_faults(&Package::built(&root, Part::Shipped)?));
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

/// A third-party package that takes part in the build.
struct Package {
    name: String,
    version: String,
    /// An SPDX expression; empty if the package declares none.
    licence: String,
}

impl Package {
    /// Uses `cargo tree`, because `cargo metadata` also lists optional packages that are not enabled.
    fn built(root: &Path, part: Part) -> Result<Vec<Self>> {
        let mut cargo = process::command("cargo", root);
        cargo.args(["tree", "--locked", "--target", "x86_64-unknown-linux-gnu"]).args(part.arguments());
        let printed = process::output(cargo.args(["--prefix", "none", "--format", "{p}\t{l}"]))?;
        Ok(printed.lines().filter_map(Self::parse).collect())
    }

    /// Parses a line such as `serde v1.0.0 (proc-macro)⇥MIT OR Apache-2.0 (*)`; the line of our own packages
    /// contains their folder.
    fn parse(line: &str) -> Option<Self> {
        let (package, licence) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let ours = words.any(|word| word.starts_with("(/"));
        let licence = licence.trim_end_matches(" (*)").trim();
        let package =
            Self { name: name.to_owned(), version: version.to_owned(), licence: licence.to_owned() };
        (!ours).then_some(package)
    }
}

/// The policy in `xtask/dependencies.toml`.
struct Policy {
    licences: BTreeSet<String>,
    /// The licence expression that is accepted for a single package, by name.
    exceptions: BTreeMap<String, String>,
    duplicates: BTreeSet<String>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        let document: toml::Table = text.parse().with_context(|| format!("{LIST} is not TOML"))?;
        let reasons = |table: &str| -> Result<BTreeMap<String, toml::Value>> {
            let entries = document.get(table).and_then(toml::Value::as_table).cloned().unwrap_or_default();
            for (name, entry) in &entries {
                let reason = entry.as_str().or_else(|| entry.get("reason").and_then(toml::Value::as_str));
                if reason.is_none_or(|reason| reason.trim().is_empty()) {
                    bail!("{LIST}: {table}.{name} gives no reason");
                }
            }
            Ok(entries.into_iter().collect())
        };
        let expression = |entry: &toml::Value| {
            entry.get("licence").and_then(toml::Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(Self {
            licences: reasons("licences")?.into_keys().collect(),
            exceptions: reasons("licence-exceptions")?
                .iter()
                .map(|(name, entry)| (name.clone(), expression(entry)))
                .collect(),
            duplicates: reasons("duplicates")?.into_keys().collect(),
        })
    }

    fn licence_faults(&self, packages: &[Package]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut used = BTreeSet::new();
        for package in packages {
            let excepted = self.exceptions.get(&package.name) == Some(&package.licence);
            if excepted {
                used.insert(package.name.clone());
            } else if !self.allows(&package.licence, &mut used) {
                let Package { name, version, licence } = package;
                faults.push(format!("{name} {version} is under {licence:?}, which {LIST} does not allow"));
            }
        }
        let listed = self.licences.iter().chain(self.exceptions.keys());
        let unused = listed.filter(|entry| !used.contains(*entry));
        faults.extend(unused.map(|entry| format!("{LIST}: {entry} allows nothing any more: delete it")));
        faults
    }

    /// Whether allowed licences satisfy an SPDX expression. In practice, expressions are alternatives with at
    /// most one level of parentheses, in which every part joined by `AND` must be satisfied.
    fn allows(&self, expression: &str, used: &mut BTreeSet<String>) -> bool {
        let flat = expression.replace('/', " OR ");
        let parts = split_top_level(&flat, " AND ");
        let mut met = !expression.trim().is_empty();
        for part in parts {
            let part = part.trim();
            let inner = part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            let alternatives = split_top_level(part, " OR ");
            met &= match inner {
                Some(inner) => self.allows(inner, used),
                None if alternatives.len() > 1 => self.any_alternative(&alternatives, used),
                None => self.allows_one(part, used),
            };
        }
        met
    }

    fn allows_one(&self, licence: &str, used: &mut BTreeSet<String>) -> bool {
        let allowed = self.licences.contains(licence);
        if allowed {
            used.insert(licence.to_owned());
        }
        allowed
    }

    /// Marks every allowed alternative as used, so that the list does not depend on the order in an
    /// expression.
    fn any_alternative(&self, alternatives: &[&str], used: &mut BTreeSet<String>) -> bool {
        let allowed = alternatives.iter().filter(|alternative| self.allows(alternative, used));
        allowed.count() > 0
    }

    fn duplicate_faults(&self, packages: &[Package]) -> Vec<String> {
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in packages {
            versions.entry(&package.name).or_default().insert(&package.version);
        }
        versions.retain(|_, versions| versions.len() > 1);
        let mut faults = Vec::new();
        for (name, versions) in versions.iter().filter(|(name, _)| !self.duplicates.contains(**name)) {
            faults.push(format!("{name} is built in {} versions: {versions:?}", versions.len()));
        }
        let gone = self.duplicates.iter().filter(|name| !versions.contains_key(name.as_str()));
        faults.extend(
            gone.map(|name| format!("{LIST}: {name} has one version now: delete it from the duplicates")),
        );
        faults
    }
}

/// Splits at separators outside of parentheses.
fn split_top_level<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, byte) in text.bytes().enumerate() {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        if depth == 0 && at >= start && text[at..].starts_with(separator) {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::{Package, Policy};

    fn package(name: &str, version: &str, licence: &str) -> Package {
        Package { name: name.to_owned(), version: version.to_owned(), licence: licence.to_owned() }
    }

    fn policy(text: &str) -> Policy {
        Policy::parse(text).unwrap()
    }

    #[test]
    fn lines_of_cargo_tree_are_parsed() {
        let read =
            |line: &str| Package::parse(line).map(|p| format!("{} {} {}", p.name, p.version, p.licence));
        assert_eq!(
            read("serde_derive v1.0.2 (proc-macro)\tMIT (*)").as_deref(),
            Some("serde_derive 1.0.2 MIT")
        );
        assert_eq!(read("url v2.5.0\tMIT OR Apache-2.0").as_deref(), Some("url 2.5.0 MIT OR Apache-2.0"));
        assert_eq!(read("oauth v0.1.0 (/src/crates/oauth)\tApache-2.0"), None);
        assert_eq!(read("serde feature \"std\"\t"), None);
    }

    const MIT: &str = "[licences]\nMIT = 'asks for its notice only'\n";

    #[test]
    fn one_allowed_alternative_is_enough() {
        let fine = ["MIT", "MIT OR Apache-2.0", "Apache-2.0/MIT", "MIT AND (GPL-3.0 OR MIT)"];
        for licence in fine {
            assert!(policy(MIT).licence_faults(&[package("a", "1", licence)]).is_empty(), "{licence}");
        }
        for licence in ["GPL-3.0", "MIT AND GPL-3.0", ""] {
            let faults = policy(MIT).licence_faults(&[package("a", "1", licence), package("b", "1", "MIT")]);
            assert_eq!(faults.len(), 1, "{licence}");
        }
    }

    #[test]
    fn an_unused_licence_is_a_fault() {
        assert_eq!(policy(MIT).licence_faults(&[]).len(), 1);
    }

    #[test]
    fn an_exception_applies_to_one_package_and_one_expression() {
        let text = "[licence-exceptions]\na = { licence = 'MPL-2.0', reason = 'unmodified' }\n";
        assert!(policy(text).licence_faults(&[package("a", "1", "MPL-2.0")]).is_empty());
        assert_eq!(policy(text).licence_faults(&[package("a", "1", "GPL-3.0")]).len(), 2);
    }

    #[test]
    fn duplicates_must_be_listed_and_still_exist() {
        let two = [package("a", "1", ""), package("a", "2", "")];
        assert_eq!(policy("").duplicate_faults(&two).len(), 1);
        let listed = policy("[duplicates]\na = 'b still needs 1'\n");
        assert!(listed.duplicate_faults(&two).is_empty());
        assert_eq!(listed.duplicate_faults(&two[..1]).len(), 1);
    }

    #[test]
    fn a_reason_is_needed() {
        assert!(Policy::parse("[duplicates]\na = ''\n").is_err());
    }
}

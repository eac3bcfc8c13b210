//! The named items of the code, each with its whole path, so that documents can name them.
//!
//! The path of an item begins with its crate, as in `oauth::redirect::matches`. A member of a type follows the type, or the
//! module of its `impl`. A path in a document may leave out the beginning, and may go through a `pub use`.

mod scan;

use std::collections::{BTreeMap, BTreeSet};

use super::Tree;
use scan::{Found, Kind};

type Path = Vec<String>;

/// More steps through re-exports than any path takes.
const MOST_EXPORTS: usize = 8;

/// What the tree defines.
pub(super) struct Items {
    /// Items of the shipped code.
    shipped: Names,
    /// Functions that a test run calls.
    tests: Names,
}

/// What a path in a document leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Lookup {
    Nothing,
    One,
    /// Several items, by their whole paths.
    Several(Vec<String>),
}

impl Items {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut shipped = Names::default();
        let mut tests = Names::default();
        let suite = conformance_suite(tree);
        for (file, source) in tree.sources() {
            let Some(module) = module_of(&file.path) else { continue };
            for found in scan::scan(&source.code) {
                let is_listed = file.path.starts_with(SUITE) && suite.contains(&found.name);
                if found.is_test || is_listed {
                    tests.add(&module, found);
                } else if is_product(&file.path) && !source.is_test(found.line) {
                    shipped.add(&module, found);
                }
            }
        }
        shipped.place_members();
        Self { shipped, tests }
    }

    /// A rule: an item of the shipped code.
    pub(super) fn rule(&self, path: &str) -> Lookup {
        self.shipped.find(path)
    }

    /// A test: a function that a test run calls.
    pub(super) fn test(&self, path: &str) -> Lookup {
        self.tests.find(path)
    }
}

/// The functions in this folder are tests if the table of the suite lists them.
const SUITE: &str = "crates/store/src/conformance/";
const SUITE_TABLE: &str = "crates/store/src/conformance.rs";

/// Whether the server contains this file.
fn is_product(path: &str) -> bool {
    path.starts_with("crates/") && !path.starts_with("crates/testkit/") && !path.starts_with(SUITE)
}

fn conformance_suite(tree: &Tree) -> BTreeSet<String> {
    let code =
        tree.file(SUITE_TABLE).and_then(|file| file.source.as_ref()).map(|source| source.code.as_str());
    let words = code.into_iter().flat_map(|code| code.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The path of a module, from the file that contains it.
fn module_of(path: &str) -> Option<Path> {
    let path = path.strip_prefix("crates/").unwrap_or(path).strip_suffix(".rs")?;
    let mut module: Path = path.split('/').map(|part| part.replace('-', "_")).collect();
    if module.get(1).is_some_and(|part| part == "src") {
        module.remove(1);
    }
    if module.len() == 2 && matches!(module[1].as_str(), "lib" | "main") {
        module.pop();
    }
    Some(module)
}

#[derive(Default)]
struct Names {
    /// By their last segment, the paths by which items may be named, each with the whole path of its item.
    items: BTreeMap<String, BTreeSet<(Path, Path)>>,
    /// What a module passes on: the path of the module and the name in it, and the path where it leads.
    exports: BTreeMap<String, Vec<(Path, Path)>>,
    /// Members with the module of their `impl`, and the name of the type.
    members: Vec<(Path, String, String)>,
}

impl Names {
    fn add(&mut self, file: &Path, found: Found) {
        let module = [file.as_slice(), &found.inside].concat();
        match found.kind {
            Kind::Item => {
                let path = [module.as_slice(), &[found.name]].concat();
                self.insert(path.clone(), path);
            }
            Kind::MemberOf(owner) => self.members.push((module, owner, found.name)),
            Kind::Export(path) => {
                let target = absolute(&module, &path);
                self.exports.entry(found.name).or_default().extend(target.map(|target| (module, target)));
            }
        }
    }

    fn insert(&mut self, path: Path, item: Path) {
        let name = path.last().cloned().unwrap_or_default();
        self.items.entry(name).or_default().insert((path, item));
    }

    /// Gives the members of types their paths, once all types are known.
    fn place_members(&mut self) {
        for (module, owner, name) in std::mem::take(&mut self.members) {
            let types = self.items.get(&owner).into_iter().flatten();
            let of_crate: BTreeSet<Path> =
                types.filter(|(_, item)| item[0] == module[0]).map(|(_, item)| item.clone()).collect();
            let here = [module.as_slice(), &[owner]].concat();
            let member = [here.as_slice(), std::slice::from_ref(&name)].concat();
            if of_crate.len() == 1 && !of_crate.contains(&here) {
                let of_type = of_crate.into_iter().flatten().chain([name.clone()]).collect();
                self.insert(of_type, member.clone());
            }
            self.insert([module, vec![name]].concat(), member.clone());
            self.insert(member.clone(), member);
        }
    }

    fn find(&self, path: &str) -> Lookup {
        let path: Path = path.trim_end_matches("()").split("::").map(str::to_owned).collect();
        let mut found = BTreeSet::new();
        self.collect(&path, &mut found, MOST_EXPORTS);
        match found.len() {
            0 => Lookup::Nothing,
            1 => Lookup::One,
            _ => Lookup::Several(found.iter().map(|path| path.join("::")).collect()),
        }
    }

    /// The items whose path ends with `path`, also through re-exports.
    fn collect(&self, path: &[String], found: &mut BTreeSet<Path>, steps: usize) {
        let Some(last) = path.last() else { return };
        let items = self.items.get(last).into_iter().flatten();
        found.extend(items.filter(|(named, _)| named.ends_with(path)).map(|(_, item)| item.clone()));
        let Some(steps) = steps.checked_sub(1) else { return };
        for (at, name) in path.iter().enumerate() {
            for (module, target) in self.exports.get(name).into_iter().flatten() {
                if at > 0 && module.ends_with(&path[..at]) {
                    self.collect(&[target.as_slice(), &path[at + 1..]].concat(), found, steps);
                }
            }
        }
    }
}

/// The path from the crate; `None` if nothing can be said of it.
fn absolute(from: &Path, path: &[String]) -> Option<Path> {
    let root = from.get(..1)?;
    let (first, rest) = path.split_first()?;
    Some(match first.as_str() {
        "crate" => [root, rest].concat(),
        "self" => [from.as_slice(), rest].concat(),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            [from.get(..from.len().checked_sub(up)?)?, &path[up..]].concat()
        }
        // A child, or another crate: the end of the path decides.
        _ => path.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Items, Lookup, Tree};

    fn rules(files: &[(&str, &str)]) -> Items {
        Items::of(&Tree::sample(files))
    }

    #[test]
    fn every_segment_of_a_path_counts() {
        let items = rules(&[("crates/oauth/src/token/code.rs", "pub fn is_unexpired() {}")]);
        for path in
            ["is_unexpired", "is_unexpired()", "code::is_unexpired", "oauth::token::code::is_unexpired"]
        {
            assert_eq!(items.rule(path), Lookup::One, "{path}");
        }
        for path in ["token::is_unexpired", "anything::is_unexpired", "odata::token::code::is_unexpired"] {
            assert_eq!(items.rule(path), Lookup::Nothing, "{path}");
        }
    }

    #[test]
    fn a_name_of_several_items_is_not_clear() {
        let items = rules(&[
            ("crates/oauth/src/device.rs", "pub struct Request; impl Request { pub fn parse() {} }"),
            ("crates/oauth/src/token.rs", "pub struct Request; impl Request { pub fn parse() {} }"),
        ]);
        let both =
            ["oauth::device::Request::parse", "oauth::token::Request::parse"].map(str::to_owned).to_vec();
        assert_eq!(items.rule("Request::parse"), Lookup::Several(both));
        assert_eq!(items.rule("device::Request::parse"), Lookup::One);
    }

    #[test]
    fn a_member_is_named_after_its_type_or_its_module() {
        let items = rules(&[
            ("crates/oauth/src/metadata.rs", "mod openid;\npub enum Metadata { Plain, Full { all: bool } }"),
            ("crates/oauth/src/metadata/openid.rs", "impl<T> From<T> for super::Metadata { fn from() {} }"),
        ]);
        for path in
            ["metadata::Metadata::from", "openid::Metadata::from", "openid::from", "from", "Metadata::Plain"]
        {
            assert_eq!(items.rule(path), Lookup::One, "{path}");
        }
        assert_eq!(items.rule("metadata::from"), Lookup::Nothing);
    }

    #[test]
    fn a_path_may_go_through_a_re_export() {
        let items = rules(&[
            ("crates/oauth/src/client.rs", "mod basic;\npub use self::basic::{Basic, read as of_header};"),
            (
                "crates/oauth/src/client/basic.rs",
                "pub struct Basic; impl Basic { fn id() {} }\npub fn read() {}",
            ),
            ("crates/oauth/src/lib.rs", "pub mod client;\npub use client::Basic;"),
        ]);
        for path in
            ["client::Basic", "client::Basic::id", "oauth::Basic", "client::of_header", "client::basic::read"]
        {
            assert_eq!(items.rule(path), Lookup::One, "{path}");
        }
        assert_eq!(items.rule("client::read"), Lookup::Nothing);
    }

    #[test]
    fn tools_and_tests_are_no_rules() {
        let code = "pub fn decide() {}";
        let items = rules(&[
            ("crates/oauth/src/a.rs", code),
            ("crates/oauth/src/a/tests.rs", code),
            ("crates/testkit/src/a.rs", code),
            ("crates/store/src/conformance/a.rs", code),
            ("xtask/src/a.rs", code),
        ]);
        assert_eq!(items.rule("decide"), Lookup::One);
    }

    #[test]
    fn only_what_a_test_run_calls_is_a_test() {
        let code = "fn rule() {}\n#[cfg(test)]\nmod tests {\n    fn prepares() {}\n    #[test]\n    \
                    #[expect(lint)]\n    fn proves() {}\n    #[tokio::test(flavor = \"multi_thread\")]\n    \
                    async fn proves_too() {}\n}\n";
        let items = rules(&[
            ("crates/oauth/src/a.rs", code),
            ("crates/store/src/conformance.rs", "macro_rules! suite { users { a_listed_one, } }"),
            (
                "crates/store/src/conformance/users.rs",
                "pub async fn a_listed_one() {}\npub async fn another() {}",
            ),
        ]);
        for path in ["proves", "a::tests::proves_too", "users::a_listed_one"] {
            assert_eq!(items.test(path), Lookup::One, "{path}");
            assert_eq!(items.rule(path), Lookup::Nothing, "{path}");
        }
        for path in ["rule", "prepares", "another"] {
            assert_eq!(items.test(path), Lookup::Nothing, "{path}");
        }
        assert_eq!(items.rule("a::rule"), Lookup::One);
        assert_eq!(items.rule("prepares"), Lookup::Nothing);
    }
}

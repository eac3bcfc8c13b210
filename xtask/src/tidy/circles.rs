//! No circular imports inside a crate: no two modules with the same parent import each other, directly, through others,
//! through a name that another module re-exports, or through their parent. What a submodule imports, its module imports. A
//! module and one of its submodules may use each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Tree};

const RULE: &str = "circles";

/// The segments of a module's path below its crate; empty for the root.
type Module = Vec<String>;

/// For each module, the modules that its file imports or names.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// For each module, the names that it re-exports, with their paths.
type Exports = BTreeMap<Module, BTreeMap<String, Vec<String>>>;

/// The depth to which re-exports of re-exports are followed.
const MOST_EXPORTS: usize = 8;

/// The paths in a file.
#[derive(Default)]
struct NamedPaths {
    used: Vec<Vec<String>>,
    /// The paths after `pub use`.
    exported: Vec<Vec<String>>,
}

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut crates: BTreeMap<&str, BTreeMap<Module, &str>> = BTreeMap::new();
    for (file, _) in tree.sources() {
        if let Some(module) = module_of(&file.path) {
            crates.entry(file.crate_name()).or_default().insert(module, &file.path);
        }
    }
    let mut faults = Vec::new();
    for modules in crates.values() {
        let imports = imports(tree, modules);
        for (parent, siblings) in siblings(&imports) {
            for circle in circles(&siblings) {
                let examples = examples(&circle, &imports);
                let message = format!(
                    "{} import each other ({examples}): move what they share to a module below them",
                    names(&circle)
                );
                let path = circle.iter().chain([&parent]).find_map(|module| modules.get(module));
                faults.push(Fault::new(RULE, path.copied().unwrap_or_default(), 0, message));
            }
        }
        for (parent, circle) in circles_through_parents(&imports) {
            let message = format!(
                "it uses its submodules, which use it through {}: move what they share to a module below them",
                names(&circle)
            );
            faults.push(Fault::new(RULE, modules[&parent], 0, message));
        }
    }
    faults
}

fn names(modules: &[Module]) -> String {
    modules.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(", ")
}

/// The module of a file, if the file belongs to the shipped code of a crate.
fn module_of(path: &str) -> Option<Module> {
    let (_, inside) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let name = inside.strip_suffix(".rs")?;
    if name.starts_with("bin/") || name == "tests" || name.ends_with("/tests") {
        return None;
    }
    let is_root = matches!(name, "lib" | "main");
    Some(if is_root { Module::new() } else { name.split('/').map(str::to_owned).collect() })
}

fn imports(tree: &Tree, modules: &BTreeMap<Module, &str>) -> Imports {
    let codes: BTreeMap<&Module, String> =
        modules.iter().filter_map(|(module, path)| Some((module, code(tree, path)?))).collect();
    let mut exports = Exports::new();
    for (module, code) in &codes {
        for path in named_paths(code).exported {
            let Some(name) = path.last().cloned() else { continue };
            exports.entry((*module).clone()).or_default().insert(name, path);
        }
    }
    let mut imports = Imports::new();
    for (module, code) in codes {
        let NamedPaths { used, exported } = named_paths(code.as_str());
        let resolved = |path: &Vec<String>| resolve(module, path, modules, &exports);
        let passed_on =
            exported.iter().filter_map(resolved).filter(|other| !is_same_or_nested(module, other));
        let used = used.iter().filter_map(resolved).chain(passed_on);
        imports.insert(module.clone(), used.filter(|other| other != module).collect());
    }
    imports
}

/// The code outside tests. The crate `testkit` is not a test of its own modules.
fn code(tree: &Tree, path: &str) -> Option<String> {
    let source = tree.file(path)?.source.as_ref()?;
    let is_testkit = path.starts_with("crates/testkit/");
    let lines = source.lines().filter(|(line, _)| is_testkit || !source.is_test(*line));
    Some(lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n"))
}

/// For each parent, the imports between its children. A submodule belongs to the child that contains it.
fn siblings(imports: &Imports) -> BTreeMap<Module, Imports> {
    let mut all: BTreeMap<Module, Imports> = BTreeMap::new();
    for (module, used) in imports {
        for other in used {
            let Some((parent, from, to)) = between_siblings(module, other) else { continue };
            all.entry(parent).or_default().entry(from).or_default().insert(to);
        }
    }
    all
}

/// The innermost parent of two modules, and its children that contain them; `None` if one module is inside the other.
fn between_siblings(module: &Module, other: &Module) -> Option<(Module, Module, Module)> {
    let shared = module.iter().zip(other).take_while(|(one, two)| one == two).count();
    let (from, to) = (module.get(..=shared)?, other.get(..=shared)?);
    Some((module[..shared].to_vec(), from.to_vec(), to.to_vec()))
}

/// An import for each pair of modules of a circle.
fn examples(circle: &[Module], imports: &Imports) -> String {
    let mut examples: BTreeMap<(Module, Module), String> = BTreeMap::new();
    for (module, used) in imports {
        for other in used {
            let Some((_, from, to)) = between_siblings(module, other) else { continue };
            if circle.contains(&from) && circle.contains(&to) {
                let example = || format!("{} → {}", module.join("::"), other.join("::"));
                examples.entry((from, to)).or_insert_with(example);
            }
        }
    }
    examples.into_values().collect::<Vec<_>>().join(", ")
}

/// The parents that use a child from which imports lead to another child that uses the parent, and these children.
fn circles_through_parents(imports: &Imports) -> Vec<(Module, Vec<Module>)> {
    let mut circles = Vec::new();
    for (parent, used) in imports {
        let child_of = |module: &Module| {
            let is_inside = module.len() > parent.len() && module.starts_with(parent);
            is_inside.then(|| module[..=parent.len()].to_vec())
        };
        let mut between = Imports::new();
        let mut back = BTreeSet::new();
        for (module, used) in imports {
            let Some(child) = child_of(module) else { continue };
            if used.contains(parent) {
                back.insert(child.clone());
            }
            let others = used.iter().filter_map(child_of).filter(|other| *other != child);
            between.entry(child.clone()).or_default().extend(others);
        }
        let mut circle = BTreeSet::new();
        for first in used.iter().filter_map(child_of) {
            let reached = reach(&first, &between);
            let last = reached.into_iter().filter(|last| **last != first && back.contains(*last));
            let last: Vec<Module> = last.cloned().collect();
            if !last.is_empty() {
                circle.extend(last.into_iter().chain([first]));
            }
        }
        if !circle.is_empty() {
            circles.push((parent.clone(), circle.into_iter().collect()));
        }
    }
    circles
}

/// Whether the modules are the same, or one is inside the other.
fn is_same_or_nested(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The paths after `use`, and those that begin with `crate`, `super` or `self` elsewhere.
fn named_paths(code: &str) -> NamedPaths {
    let mut paths = NamedPaths::default();
    let mut elsewhere = String::new();
    for statement in code.split(';') {
        let begins =
            statement.match_indices("use ").map(|(at, _)| at).filter(|at| begins_word(statement, *at));
        let Some(at) = begins.last() else {
            elsewhere.push_str(statement);
            continue;
        };
        let before = statement[..at].trim_end();
        let is_exported = before.ends_with("pub") || before.ends_with(')') && before.contains("pub(");
        let kept = if is_exported { &mut paths.exported } else { &mut paths.used };
        expand(statement[at + "use ".len()..].trim(), &[], kept);
        elsewhere.push_str(&statement[..at]);
    }
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in elsewhere.match_indices(root).filter(|(at, _)| begins_word(&elsewhere, *at)) {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
            let end = elsewhere[at..].find(|c| !is_part(c)).map_or(elsewhere.len(), |length| at + length);
            paths.used.push(segments(&elsewhere[at..end]));
        }
    }
    paths
}

fn begins_word(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Expands a tree of imports such as `a::{b, c::d}` to single paths.
fn expand(import: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let Some((head, rest)) = import.split_once('{') else {
        let path = import.split(" as ").next().unwrap_or(import);
        paths.push(before.iter().cloned().chain(segments(path)).collect());
        return;
    };
    let prefix: Vec<String> = before.iter().cloned().chain(segments(head)).collect();
    let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(inside[start..at].trim(), &prefix, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        expand(inside[start..].trim(), &prefix, paths);
    }
}

/// The innermost module with a file of its own to which a path leads, through re-exports; `None` outside of the crate.
fn resolve(
    from: &Module,
    path: &[String],
    modules: &BTreeMap<Module, &str>,
    exports: &Exports,
) -> Option<Module> {
    let (mut from, mut path) = (from.clone(), path.to_vec());
    for _ in 0..MOST_EXPORTS {
        let whole = absolute(&from, &path, modules)?;
        let mut module = whole.clone();
        while !module.is_empty() && !modules.contains_key(&module) {
            module.pop();
        }
        let exported = whole.get(module.len()).and_then(|name| exports.get(&module)?.get(name));
        let Some(exported) = exported else { return Some(module) };
        // A name of another crate that the module passes on belongs to the module.
        if absolute(&module, exported, modules).is_none() {
            return Some(module);
        }
        path = [exported.as_slice(), &whole[module.len() + 1..]].concat();
        from = module;
    }
    None
}

/// The path from the root of the crate; `None` if it leads outside.
fn absolute(from: &Module, path: &[String], modules: &BTreeMap<Module, &str>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some(from.iter().chain(rest).cloned().collect()),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            let above = from.get(..from.len().checked_sub(up)?)?;
            Some(above.iter().chain(&path[up..]).cloned().collect())
        }
        child if modules.contains_key(&[from.as_slice(), &[child.to_owned()]].concat()) => {
            Some(from.iter().chain(path).cloned().collect())
        }
        _ => None,
    }
}

/// The sets of modules in which each module leads to every other one.
fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|module| (module, reach(module, imports))).collect();
    let mut circles = BTreeSet::new();
    for module in imports.keys() {
        let leads_back = |other: &&&Module| reached.get(**other).is_some_and(|back| back.contains(module));
        let circle: Vec<Module> =
            reached[module].iter().filter(leads_back).map(|other| (*other).clone()).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn reach<'i>(from: &'i Module, imports: &'i Imports) -> BTreeSet<&'i Module> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        next.extend(imports.get(module).into_iter().flatten().filter(|other| reached.insert(*other)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn modules_that_import_each_other_are_a_fault() {
        let tree = Tree::sample(&[
            ("crates/x/src/lib.rs", "mod a; mod b; mod c;"),
            ("crates/x/src/a.rs", "use crate::{\n    b::Thing as Other,\n};"),
            ("crates/x/src/b.rs", "fn f() { crate::c::g() }"),
            ("crates/x/src/c.rs", "use super::a;\nfn g() {}"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!(
            faults[0].message,
            "a, b, c import each other (a → b, b → c, c → a): move what they share to a module below them"
        );
    }

    #[test]
    fn an_import_of_a_child_is_an_import_of_its_parent() {
        let tree = Tree::sample(&[
            ("crates/x/src/a.rs", "use crate::b::f;"),
            ("crates/x/src/b.rs", "mod c;"),
            ("crates/x/src/b/c.rs", "use crate::a::d;"),
            ("crates/x/src/a/d.rs", ""),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "crates/x/src/a.rs");
        assert!(faults[0].message.starts_with("a, b import each other (a → b, b::c → a::d)"));
    }

    #[test]
    fn children_of_one_module_must_not_form_a_circle_either() {
        let tree = Tree::sample(&[
            ("crates/x/src/p.rs", "mod a; mod b;"),
            ("crates/x/src/p/a.rs", "use super::b::g;"),
            ("crates/x/src/p/a/inner.rs", ""),
            ("crates/x/src/p/b/inner.rs", "use crate::p::a::inner::f;"),
            ("crates/x/src/p/b.rs", "mod inner;"),
            ("crates/x/src/q.rs", "use crate::p;"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.starts_with("p::a, p::b import each other"), "{}", faults[0].message);
    }

    #[test]
    fn a_module_and_its_children_may_import_each_other() {
        let tree = Tree::sample(&[
            ("crates/x/src/lib.rs", "mod a;"),
            ("crates/x/src/a.rs", "mod b; use b::f;"),
            ("crates/x/src/a/b.rs", "use super::g;"),
            ("crates/x/src/c.rs", "#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        ]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_circle_through_the_parent_is_a_fault() {
        let tree = Tree::sample(&[
            ("crates/x/src/p.rs", "mod a; mod b; use b::f; pub struct Shared;"),
            ("crates/x/src/p/a.rs", "use super::Shared;"),
            ("crates/x/src/p/b.rs", "use super::a::g;"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains("p::a, p::b"), "{}", faults[0].message);
    }

    #[test]
    fn a_re_exported_name_belongs_to_its_module() {
        let tree = Tree::sample(&[
            ("crates/testkit/src/lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("crates/testkit/src/a.rs", "use crate::B;"),
            ("crates/testkit/src/b.rs", "use crate::A;"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.starts_with("a, b import each other"), "{}", faults[0].message);
    }

    #[test]
    fn comments_and_tests_import_nothing() {
        let tree = Tree::sample(&[
            ("crates/x/src/a.rs", "use crate::b;"),
            ("crates/x/src/b.rs", "// use crate::a;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        ]);
        assert!(check(&tree).is_empty());
    }
}

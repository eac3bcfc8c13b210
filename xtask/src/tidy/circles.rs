//! No circular imports inside a crate: no two files import each other, directly or through others. A module and its
//! submodules are an exception.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Tree};

const RULE: &str = "circles";

/// The segments of a module's path below its crate; empty for the root.
type Module = Vec<String>;

/// For each module, the modules that its file imports or names.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

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
        for circle in circles(&imports) {
            let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
            let message = format!(
                "{} import each other: move what they share to a module below them",
                names.join(", ")
            );
            faults.push(Fault::new(RULE, modules[&circle[0]], 0, message));
        }
    }
    faults
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
    let mut imports = Imports::new();
    for (module, path) in modules {
        let Some(source) = tree.file(path).and_then(|file| file.source.as_ref()) else { continue };
        let code: Vec<&str> = source.shipped_lines().map(|(_, line)| line).collect();
        let found =
            named_paths(&code.join("\n")).into_iter().filter_map(|path| resolve(module, &path, modules));
        imports.insert(module.clone(), found.filter(|other| !is_same_room(module, other)).collect());
    }
    imports
}

/// Whether the modules are the same, or one is inside the other.
fn is_same_room(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The paths after `use`, and those that begin with `crate`, `super` or `self` elsewhere.
fn named_paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let begins =
            statement.match_indices("use ").map(|(at, _)| at).filter(|at| begins_word(statement, *at));
        if let Some(at) = begins.last() {
            expand(statement[at + "use ".len()..].trim(), &[], &mut paths);
        }
    }
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root).filter(|(at, _)| begins_word(code, *at)) {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
            let end = code[at..].find(|c| !is_part(c)).map_or(code.len(), |length| at + length);
            paths.push(segments(&code[at..end]));
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

/// The innermost module with a file of its own to which a path leads.
fn resolve(from: &Module, path: &[String], modules: &BTreeMap<Module, &str>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut module = match first.as_str() {
        "crate" => rest.to_vec(),
        "self" => from.iter().chain(rest).cloned().collect(),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            let above = from.get(..from.len().checked_sub(up)?)?;
            above.iter().chain(&path[up..]).cloned().collect()
        }
        child if modules.contains_key(&[from.as_slice(), &[child.to_owned()]].concat()) => {
            from.iter().chain(path).cloned().collect()
        }
        _ => return None,
    };
    while !module.is_empty() && !modules.contains_key(&module) {
        module.pop();
    }
    (!module.is_empty()).then_some(module)
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
    fn modules_that_need_each_other_are_a_fault() {
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
            "a, b, c import each other: move what they share to a module below them"
        );
    }

    #[test]
    fn a_module_and_its_children_may_need_each_other() {
        let tree = Tree::sample(&[
            ("crates/x/src/lib.rs", "mod a;"),
            ("crates/x/src/a.rs", "mod b; use b::f;"),
            ("crates/x/src/a/b.rs", "use super::g;"),
            ("crates/x/src/c.rs", "#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        ]);
        assert!(check(&tree).is_empty());
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

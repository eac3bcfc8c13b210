//! The shared context of `app` stays fields and a clock, and no component grows as wide as it once was.

use std::collections::BTreeMap;

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "context";
const FOLDER: &str = "crates/app/src/";
const ROOT: &str = "crates/app/src/lib.rs";

/// The most methods of the context.
const MOST_OF_CONTEXT: usize = 2;
/// The most methods of a component that others may call, besides its constructor.
const MOST_OF_COMPONENT: usize = 16;

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut components: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut of_context = 0;
    let files = || tree.sources().filter(|(file, _)| file.path.starts_with(FOLDER));
    for (file, source) in files() {
        let names = source.shipped_lines().filter_map(|(_, code)| component(code));
        components.extend(names.map(|name| (name, (file.path.as_str(), 0))));
    }
    for (file, source) in files() {
        let mut inside = None;
        for (line, code) in source.shipped_lines() {
            if let Some(name) = implemented(code) {
                inside = Some(name);
                if name == "Context" && file.path != ROOT {
                    let message = "the context has no use cases: give this to the service that needs it, to the \
                                   field that it works on, or to a component that borrows the context";
                    faults.push(Fault::new(RULE, &file.path, line, message));
                }
            } else if code.starts_with('}') {
                inside = None;
            }
            let Some(name) = inside.filter(|_| is_method(code)) else { continue };
            if name == "Context" && file.path == ROOT {
                of_context += 1;
            }
            if let Some((_, methods)) = components.get_mut(name).filter(|_| is_visible(code)) {
                *methods += 1;
            }
        }
    }
    if of_context > MOST_OF_CONTEXT {
        let message = format!("the context has {of_context} methods; at most {MOST_OF_CONTEXT} belong to it");
        faults.push(Fault::new(RULE, ROOT, 0, message));
    }
    for (name, (path, methods)) in components {
        if methods > MOST_OF_COMPONENT {
            let message = format!("`{name}` has {methods} methods for others: split it by subject");
            let fault = Fault::new(RULE, path, 0, message);
            faults.push(Fault { item: name.to_owned(), measure: Some(methods), ..fault });
        }
    }
    faults
}

/// The name of the type that borrows, if the line declares one.
fn component(code: &str) -> Option<&str> {
    let (visibility, rest) = code.split_once("struct ")?;
    let (name, _) = rest.split_once("<'a> {")?;
    matches!(visibility, "pub(crate) " | "pub(super) ").then_some(name)
}

/// The type that the block beginning on this line gives methods to.
fn implemented(code: &str) -> Option<&str> {
    let rest = code.strip_prefix("impl")?;
    let rest = rest.strip_prefix("<'a>").unwrap_or(rest).strip_prefix(' ')?;
    let name = rest.strip_suffix(" {")?;
    let name = name.split('<').next().unwrap_or(name);
    (!has_word(rest, "for")).then(|| name.rsplit("::").next().unwrap_or(name))
}

fn is_method(code: &str) -> bool {
    code.starts_with("    ") && !code.starts_with("     ") && has_word(code, "fn") && !code.contains("fn of(")
}

fn is_visible(code: &str) -> bool {
    code.trim_start().starts_with("pub")
}

#[cfg(test)]
mod tests {
    use super::{MOST_OF_COMPONENT, MOST_OF_CONTEXT, ROOT, Tree, check};

    fn methods(of: &str, number: usize) -> String {
        let one = |index| format!("    pub(crate) async fn f{index}(self) {{}}\n");
        format!("impl {of} {{\n{}}}\n", (0..number).map(one).collect::<String>())
    }

    #[test]
    fn only_the_root_gives_the_context_methods_and_few() {
        let few = methods("Context", MOST_OF_CONTEXT);
        assert_eq!(check(&Tree::sample(&[(ROOT, &few), ("crates/web/src/a.rs", &few)])), []);
        let many = methods("Context", MOST_OF_CONTEXT + 1);
        assert_eq!(check(&Tree::sample(&[(ROOT, &many)])).len(), 1);
        for of in ["Context", "crate::Context"] {
            let elsewhere = methods(of, 1);
            let faults = check(&Tree::sample(&[("crates/app/src/node/feed.rs", &elsewhere)]));
            assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1], "{of}");
        }
        let other = "impl From<&Context> for Service {\n    fn from() {}\n}\n";
        assert_eq!(check(&Tree::sample(&[("crates/app/src/a.rs", other)])), []);
    }

    #[test]
    fn a_component_has_few_methods_for_others() {
        let component = "pub(crate) struct Entities<'a> {\n    context: &'a Context,\n}\n";
        let with = |number| {
            let (own, child) = (methods("Entities<'_>", number), methods("Entities<'_>", 1));
            let private = "impl<'a> Entities<'a> {\n    pub(crate) fn of() {}\n    fn own(self) {}\n}\n";
            let file = format!("{component}{private}{own}");
            check(&Tree::sample(&[("crates/app/src/a.rs", &file), ("crates/app/src/a/b.rs", &child)]))
        };
        assert_eq!(with(MOST_OF_COMPONENT - 1), []);
        let faults = with(MOST_OF_COMPONENT);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].measure, Some(MOST_OF_COMPONENT + 1));
    }
}

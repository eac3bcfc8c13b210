//! Relative links in Markdown have existing targets.

use super::{Fault, Tree};

const RULE: &str = "links";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.rsplit('.').next() == Some("md")) {
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            let broken = targets(line).filter(|target| !leads_somewhere(tree, &file.path, target));
            faults.extend(broken.map(|target| {
                Fault::new(RULE, &file.path, index + 1, format!("the link to {target} leads nowhere"))
            }));
        }
    }
    faults
}

/// The targets of the links in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            name => parts.push(name),
        }
    }
    let wanted = parts.join("/");
    let folder = format!("{wanted}/");
    wanted.is_empty() || tree.files.iter().any(|file| file.path == wanted || file.path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_broken_link_is_a_fault() {
        let text = "[a](../README.md#x) [b](gone.md)\n[c](https://example.org/x) [d](#here) [e](../crates)\n```\n[f](g)\n```\n";
        let tree = Tree::sample(&[("docs/a.md", text), ("README.md", ""), ("crates/x/src/lib.rs", "")]);
        let messages: Vec<String> = check(&tree).into_iter().map(|fault| fault.message).collect();
        assert_eq!(messages, ["the link to gone.md leads nowhere"]);
    }
}

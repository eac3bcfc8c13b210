//! Every decision page is in the index, once.

use super::{Fault, Tree};

const RULE: &str = "decisions";
const FOLDER: &str = "docs/decisions/";
const INDEX: &str = "docs/decisions/README.md";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let index = tree.file(INDEX).map(|file| file.text.as_str()).unwrap_or_default();
    let pages = tree.files.iter().filter_map(|file| file.path.strip_prefix(FOLDER));
    pages
        .filter(|page| *page != "README.md" && page.rsplit('.').next() == Some("md"))
        .filter_map(|page| {
            let message = match index.matches(&format!("]({page})")).count() {
                0 => format!("add a line for {page}: `- [Title]({page}): what was decided`"),
                1 => return None,
                lines => format!("list {page} once, not {lines} times"),
            };
            Some(Fault::new(RULE, INDEX, 0, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_page_missing_in_the_index_is_a_fault() {
        let faults = check(&Tree::sample(&[
            ("docs/decisions/README.md", "- [Tokens](tokens.md)"),
            ("docs/decisions/tokens.md", ""),
            ("docs/decisions/keys.md", ""),
        ]));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains("keys.md"));
    }

    #[test]
    fn a_page_that_the_index_lists_twice_is_a_fault() {
        let faults = check(&Tree::sample(&[
            ("docs/decisions/README.md", "- [Tokens](tokens.md)\n- [Keys](keys.md)\n- [Tokens](tokens.md)"),
            ("docs/decisions/tokens.md", ""),
            ("docs/decisions/keys.md", ""),
        ]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].message, "list tokens.md once, not 2 times");
    }
}

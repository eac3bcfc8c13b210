//! Functions fit on a screen, and files stay short.

use super::{Fault, Tree};

const RULE: &str = "size";
const FUNCTION_LINES: usize = 70;
const FILE_LINES: usize = 400;

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let shipped = source.shipped_lines().count();
        if shipped > FILE_LINES {
            let advice = format!("has {shipped} lines without its tests: split it below {FILE_LINES}");
            faults.push(Fault { measure: Some(shipped), ..Fault::new(RULE, &file.path, 0, advice) });
        }
        for function in source.functions() {
            let lines = function.last_line - function.first_line + 1;
            if lines > FUNCTION_LINES {
                let advice =
                    format!("`{}` has {lines} lines: split it below {FUNCTION_LINES}", function.name);
                let fault = Fault::new(RULE, &file.path, function.first_line, advice);
                faults.push(Fault { item: function.name.clone(), measure: Some(lines), ..fault });
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn long_functions_and_files_are_faults() {
        let function = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(70));
        let faults = check(&Tree::sample(&[("a.rs", &function)]));
        assert_eq!(faults.iter().map(|fault| fault.measure).collect::<Vec<_>>(), [Some(72)]);
        let file = "const A: u8 = 1;\n".repeat(401);
        assert_eq!(check(&Tree::sample(&[("a.rs", &file)])).len(), 1);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(300), "\n".repeat(300));
        assert!(check(&Tree::sample(&[("a.rs", &tested)])).is_empty());
    }
}

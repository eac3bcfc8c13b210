//! Only extractors ask the state for a service, so that the signature of a handler lists what it reaches.

use super::{Fault, Tree};

const RULE: &str = "services";
const FOLDER: &str = "crates/web/src/";
const CALLS: &[&str] = &[".service::<", ".service()"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| file.path.starts_with(FOLDER)) {
        let is_extractor = source.code.contains("FromRequest<") || source.code.contains("FromRequestParts<");
        let calls = source.shipped_lines().filter(|(_, code)| CALLS.iter().any(|call| code.contains(call)));
        faults.extend(calls.filter(|_| !is_extractor).map(|(line, _)| {
            let message =
                "a handler names the services that it uses with `Use`; only extractors ask the state";
            Fault::new(RULE, &file.path, line, message)
        }));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn only_extractors_ask_the_state_for_a_service() {
        let asks = "fn f(state: &WebState) {\n    state.service::<DataService>().read();\n}\n";
        let extractor = format!("impl FromRequestParts<WebState> for Caller {{}}\n{asks}");
        let faults = check(&Tree::sample(&[
            ("crates/web/src/odata.rs", asks),
            ("crates/web/src/odata/caller.rs", &extractor),
            ("crates/app/src/a.rs", asks),
        ]));
        assert_eq!(
            faults.iter().map(|fault| (&*fault.path, fault.line)).collect::<Vec<_>>(),
            [("crates/web/src/odata.rs", 2)]
        );
    }
}

//! Former names that were replaced by standard terms and must not be used again.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "old-words";

/// The former names, each with the terms that replaced it.
const GIVEN_UP: &[(&str, &str)] = &[
    ("found_grant", "create_grant"),
    ("Founding", "GrantDecision, CreateGrant"),
    ("Founded", "GrantCreation"),
    ("founding", "create_grants, decision"),
    ("founded", "created"),
    ("Lane", "BatchQueue, ConnectionSet"),
    ("Turn", "BatchWorker"),
    ("in_seat", "serialized"),
    ("seat", "serialized transaction"),
    ("ToEnd", "PendingRevocation"),
    ("Desk", "WriterThread"),
    ("Presence", "DatabaseLock"),
    ("Patient", "TimeoutStream"),
    ("Attended", "TimeoutBody"),
    ("Front", "HttpService"),
    ("Gate", "WebState"),
    ("Place", "Permit, InstallationArgs, ErrorLocation"),
    ("Places", "ConcurrencyLimiter"),
    ("Admission", "ReadGrant"),
    ("still_admits", "revalidate"),
    ("Basis", "PlanKey"),
    ("is_wary", "backs_off"),
    ("Directory", "EntityCache"),
    ("Freshness", "Staleness"),
    ("tidy_up", "run_maintenance"),
    ("Repeats", "AuditThrottle"),
    ("Noted", "AccessNote, ThrottleKey"),
    ("Misfits", "InvalidValues"),
    ("Given", "RawConfig"),
    ("Asking", "SignInPrompt, ActingRequest"),
    ("workshop", "staging"),
    ("lame", "draining"),
    ("Lab", "Fixture"),
    ("Noticed", "Watched"),
    ("Tally", "Counts, InvalidValueRecorder"),
    ("Asker", "Client"),
    ("Harbour", "Fixture"),
];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        for (line, code) in source.lines() {
            let words = GIVEN_UP.iter().filter(|(word, _)| code.contains(word) && has_word(code, word));
            faults.extend(words.map(|(word, term)| {
                Fault::new(RULE, &file.path, line, format!("`{word}` is a former name; use: {term}"))
            }));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_name_that_was_given_up_is_a_fault_in_code_alone() {
        let tree = Tree::sample(&[(
            "crates/a/src/b.rs",
            "// a seat\nstruct Lane;\nstruct Lanes;\nlet text = \"Lane\";\n",
        )]);
        let faults = check(&tree);
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
    }
}

//! Former names that were replaced by standard terms and must not be used again.
//!
//! A word that means nothing else in this project is refused everywhere: as a part of an identifier or of the name of
//! a file, and as a word of a comment, a text or a document. A word that has an ordinary meaning too is refused only
//! where it was a name.

use std::collections::BTreeSet;

use super::source::Piece;
use super::{Fault, Tree};

const RULE: &str = "old-words";

/// This file and the exceptions contain the words, an applied migration cannot be changed, and the change log describes the past.
const EXEMPT: &[&str] = &[
    "xtask/src/tidy/old_words.rs",
    "xtask/tidy/exceptions.toml",
    "CHANGELOG.md",
    "/migrations/",
    ".lock",
    "package-lock.json",
];

/// Former words without another meaning, each with the terms that replaced it.
const WORDS: &[(&str, &str)] = &[
    ("found grant", "create_grant"),
    ("founding", "GrantDecision, CreateGrant, create_grants"),
    ("founded", "created, GrantCreation"),
    ("founds", "creates"),
    ("seat", "serialized transaction"),
    ("lame", "draining"),
    ("workshop", "staging directory"),
    ("wiring", "bootstrap"),
    ("misfit", "invalid value"),
    ("wary", "backs_off"),
    ("storm", "revocation burst"),
    ("ledger", "acknowledged operation"),
    ("contest", "contention"),
    ("asker", "client"),
    ("tally", "counts, InvalidValueRecorder"),
    ("moving up", "migration to PostgreSQL"),
];

/// Former parts of identifiers and of the names of files, which are ordinary words elsewhere.
const PARTS: &[(&str, &str)] = &[
    ("lane", "batch queue, ConnectionSet"),
    ("turn", "batch worker, permit, polling, round"),
    ("hire", "create"),
    ("story", "walkthrough"),
    ("news", "changes"),
    ("usual", "common"),
    ("unusual", "uncommon"),
    ("still admits", "revalidate"),
    ("tidy up", "run_maintenance"),
    ("same room", "is_same_or_nested"),
    ("serve harbour", "add_sample_data"),
    ("look after", "check_after"),
    ("look every", "check_every"),
    ("looked at", "checked_at, polled_at, examined"),
    ("next look", "next_check"),
];

/// Former identifiers that are a part of other identifiers.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("told", "response, message, outcome"),
    ("look", "check, poll, examine"),
    ("moving", "migration"),
    ("desk", "writer thread"),
    ("hand", "worker"),
    ("hands", "workers"),
    ("HANDS", "WORKERS"),
    ("EndToken", "RevokeToken"),
    ("EndGrant", "RevokeGrant"),
];

/// Former names of types. What replaced them says whose they are.
const TYPES: &[(&str, &str)] = &[
    ("Desk", "WriterThread"),
    ("Presence", "DatabaseLock"),
    ("Patient", "TimeoutStream"),
    ("Attended", "TimeoutBody"),
    ("Front", "HttpService"),
    ("Gate", "WebState"),
    ("Place", "Permit, InstallationArgs, ErrorLocation"),
    ("Places", "ConcurrencyLimiter"),
    ("Admission", "ReadGrant"),
    ("Reader", "StreamAuthorization, or name what it reads"),
    ("Basis", "PlanKey"),
    ("Asked", "PermitResult, LookupKey"),
    ("Prepared", "CachedPlan, CannedRow"),
    ("Directory", "EntityCache"),
    ("Member", "Account, or name what it is a member of"),
    ("Freshness", "Staleness"),
    ("Repeats", "AuditThrottle"),
    ("Noted", "AccessNote, ThrottleKey"),
    ("Line", "RowBuffer, or name what it is a line of"),
    ("Room", "Slot"),
    ("Given", "RawConfig"),
    ("Told", "name the message"),
    ("Shown", "name the response"),
    ("Asking", "SignInPrompt, ActingRequest"),
    ("From", "ClientOrigin, or name what comes from where"),
    ("Of", "Backend"),
    ("Lab", "Fixture"),
    ("Hand", "Worker"),
    ("Noticed", "Watched"),
    ("Story", "Walkthrough"),
    ("Harbour", "Fixture"),
    ("ToEnd", "PendingRevocation"),
];

/// Names of files that hold what is called otherwise now.
const FILES: &[(&str, &str)] = &[("crates/oauth/src/sealed.rs", "token_payload.rs")];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        if EXEMPT.iter().any(|exempt| file.path.contains(exempt)) {
            continue;
        }
        let mut found = Found::new();
        for (path, term) in FILES {
            if file.path == *path {
                found.insert((0, path, term));
            }
        }
        find(&mut found, 0, &segments_of(&file.path), &[WORDS, PARTS]);
        match &file.source {
            None => {
                for (index, line) in file.text.lines().enumerate() {
                    find(&mut found, index + 1, &segments_of(line), &[WORDS]);
                }
            }
            Some(source) => {
                for (line, code) in source.lines() {
                    in_code(&mut found, line, code);
                }
                in_text(&mut found, &source.comments);
                in_text(&mut found, &source.strings);
            }
        }
        faults.extend(found.into_iter().map(|(line, word, term)| {
            let message = format!("`{word}` is a former word; use: {term}");
            Fault { item: word.to_owned(), ..Fault::new(RULE, &file.path, line, message) }
        }));
    }
    faults
}

/// Lines with the former word, and the terms that replaced it.
type Found = BTreeSet<(usize, &'static str, &'static str)>;

fn in_text(found: &mut Found, pieces: &[Piece]) {
    for piece in pieces {
        for (index, line) in piece.text.lines().enumerate() {
            find(found, piece.line + index, &segments_of(line), &[WORDS]);
        }
    }
}

fn in_code(found: &mut Found, line: usize, code: &str) {
    let mut before = "";
    for identifier in code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
    {
        find(found, line, &segments_of(identifier), &[WORDS, PARTS]);
        let mut whole: Vec<_> = IDENTIFIERS.iter().collect();
        if matches!(before, "struct" | "enum" | "trait" | "type" | "union" | "as") {
            whole.extend(TYPES);
        }
        found.extend(
            whole
                .into_iter()
                .filter(|(word, _)| *word == identifier)
                .map(|(word, term)| (line, *word, *term)),
        );
        before = identifier;
    }
}

fn find(found: &mut Found, line: usize, segments: &str, lists: &[&'static [(&'static str, &'static str)]]) {
    for (word, term) in lists.iter().copied().flatten() {
        let is_there = segments.match_indices(word).any(|(at, _)| {
            let after = &segments[at + word.len()..];
            segments[..at].ends_with(' ') && (after.starts_with(' ') || after.starts_with("s "))
        });
        if is_there {
            found.insert((line, word, term));
        }
    }
}

/// The words of a text in lower case, between spaces: parts of an identifier as well, in snake case or in camel case.
fn segments_of(text: &str) -> String {
    let mut segments = String::from(" ");
    let mut was_upper = true;
    for c in text.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && !was_upper {
            segments.push(' ');
        }
        was_upper = c.is_uppercase() || !c.is_alphanumeric();
        segments.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
    }
    segments.push(' ');
    segments
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::sample(&[(path, text)])).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_former_word_is_a_fault_in_comments_texts_and_documents() {
        let code = "// in a seat\nlet a = \"two\\\n    seats\";\n/* a\n storm */\nlet b = \"moving up\";\n";
        assert_eq!(lines("crates/a/src/b.rs", code), [1, 3, 5, 6]);
        assert_eq!(lines("docs/a.md", "# Seats\n\nA misfit.\n"), [1, 3]);
        assert_eq!(lines("crates/a/Cargo.toml", "description = \"wiring\"\n"), [1]);
        assert_eq!(lines("tests/a.py", "# the ledger\n"), [1]);
        assert_eq!(lines("crates/a/src/b.rs", "// a seating plan, and a brainstorm\n"), [0; 0]);
    }

    #[test]
    fn a_part_of_an_identifier_is_a_fault() {
        for code in
            ["fn in_seat() {}", "struct BatchLanes;", "const HANDS: u8 = 1;", "let next_look_millis = 1;"]
        {
            assert_eq!(lines("crates/a/src/b.rs", code), [1], "{code}");
        }
        for code in
            ["let history = 1;", "fn returns() {}", "let handle = 1;", "// on the other hand, in turn\n"]
        {
            assert_eq!(lines("crates/a/src/b.rs", code), [0; 0], "{code}");
        }
    }

    #[test]
    fn an_ordinary_word_is_a_fault_only_where_it_was_a_name() {
        for code in [
            "let told = 1;",
            "struct From;",
            "use a::B as From;",
            "enum Of {}",
            "pub(crate) type Reader = u8;",
        ] {
            assert_eq!(lines("crates/a/src/b.rs", code), [1], "{code}");
        }
        for code in
            ["fn it_is_told() {}", "impl From<A> for B {}", "let reader = Reader::new();", "// told of it\n"]
        {
            assert_eq!(lines("crates/a/src/b.rs", code), [0; 0], "{code}");
        }
    }

    #[test]
    fn a_file_named_with_a_former_word_is_a_fault() {
        for path in ["tests/clients/a_story.py", "crates/a/src/lanes.rs", "crates/oauth/src/sealed.rs"] {
            assert_eq!(lines(path, ""), [0], "{path}");
        }
        assert_eq!(lines("crates/a/src/history.rs", ""), [0; 0]);
    }
}

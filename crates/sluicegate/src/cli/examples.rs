//! Tests: the commands that documents and help show are accepted as they are written.

use std::path::Path;

use super::*;

/// The words of the first command in a line of a shell; variables are left as they are.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ')' | '|' | ';' | '&' | '#' | '>') => break,
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// A command as a reader types it.
struct Typed {
    words: Vec<String>,
    /// Whether a variable before it names the database.
    has_database: bool,
}

/// The commands of this program in a text, each with its arguments.
fn commands(text: &str) -> Vec<Typed> {
    let text = text.replace("\\\n", " ").replace("$(date +%F)", "TODAY");
    let starts_a_command = |before: &str| {
        let before = before.trim_end();
        before.is_empty()
            || before.ends_with(['(', ';', '&', '|', ':'])
            || before.split_whitespace().next_back().is_some_and(|word| word.starts_with("SLUICEGATE_"))
    };
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default();
        for (at, _) in line.match_indices("sluicegate ") {
            if starts_a_command(&line[..at]) {
                found.push(Typed {
                    words: words(&line[at..]),
                    has_database: line[..at].contains("SLUICEGATE_DATABASE="),
                });
            }
        }
    }
    found
}

/// The blocks of a document that a reader types.
fn typed_blocks(document: &str) -> String {
    let mut typed = String::new();
    let mut is_typed = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            is_typed = !is_typed && line.trim_start() == "```sh";
        } else if is_typed {
            typed.push_str(line);
            typed.push('\n');
        }
    }
    typed
}

fn is_accepted(place: &str, Typed { words: typed, has_database }: &Typed) {
    let parsed = program().try_get_matches_from(typed);
    let parsed = parsed.unwrap_or_else(|refused| panic!("{place}: {}: {refused}", typed.join(" ")));
    let mut command = program();
    let mut matches = &parsed;
    while let Some((name, inner)) = matches.subcommand() {
        command = command.find_subcommand(name).expect("it was parsed").clone();
        matches = inner;
    }
    let needs_a_folder = command.get_arguments().any(|argument| argument.get_long() == Some("data-dir"));
    let names_one =
        ["--data-dir", "--database", "--config"].iter().any(|flag| typed.iter().any(|word| word == flag));
    let is_exempt = *has_database || ["copy", "demo"].contains(&command.get_name());
    assert!(!needs_a_folder || names_one || is_exempt, "{place}: {}: no --data-dir", typed.join(" "));
}

#[test]
fn commands_in_documents_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut count = 0;
    for path in pages.chain([root.join("README.md")]) {
        let text = std::fs::read_to_string(&path).unwrap();
        for typed in commands(&typed_blocks(&text)) {
            is_accepted(&path.display().to_string(), &typed);
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn examples_in_help_are_accepted() {
    fn check(command: &clap::Command, count: &mut usize) {
        let example = command.get_after_help().map(|text| text.ansi().to_string()).unwrap_or_default();
        // Dots stand for what the reader chooses.
        for typed in commands(&example.replace("Example: ", "\n").replace("…", "x")) {
            is_accepted(command.get_name(), &typed);
            *count += 1;
        }
        command.get_subcommands().for_each(|inner| check(inner, count));
    }
    let mut count = 0;
    check(&program(), &mut count);
    assert!(count > 50, "{count}");
}

#[test]
fn words_are_those_of_a_shell() {
    let text = "X=$(sluicegate a 'b c' --d '{\"e\":1}' \\\n  f) | g";
    let found = commands(text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].words, ["sluicegate", "a", "b c", "--d", "{\"e\":1}", "f"]);
}

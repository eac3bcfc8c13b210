use super::*;

/// Every command that somebody can see.
fn visible(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let help = command.clone().render_long_help().to_string();
    found.push((path.to_owned(), help));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        visible(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let mut found = Vec::new();
    visible(&<CommandLine as clap::CommandFactory>::command(), "sluicegate", &mut found);
    assert!(found.len() > 25, "{}", found.len());
    for (path, help) in found {
        assert!(help.contains("Example"), "{path} has no example");
    }
}

const DEPLOYED: [(&str, &str); 3] = [
    ("sluicegate.service", include_str!("../../../../deploy/sluicegate.service")),
    ("sluicegate-backup.service", include_str!("../../../../deploy/sluicegate-backup.service")),
    ("Dockerfile", include_str!("../../../../deploy/Dockerfile")),
];

/// Follows the words after the program's name through its commands, and answers the command if there is one.
fn command_of<'a>(program: &'a clap::Command, words: &[&str]) -> Option<&'a clap::Command> {
    let inner = program.find_subcommand(words.first()?)?;
    command_of(inner, &words[1..]).or(Some(inner))
}

#[test]
fn commands_and_flags_that_deployment_files_name_exist() {
    let program = <CommandLine as clap::CommandFactory>::command();
    let mut found = Vec::new();
    for (file, text) in DEPLOYED {
        let text = text.replace("\\\n#", " ");
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for at in (0..words.len()).filter(|at| words[*at].trim_start_matches('/').ends_with("sluicegate"))
            {
                let Some(command) = command_of(&program, &words[at + 1..]) else { continue };
                for flag in words[at + 1..].iter().filter_map(|word| word.strip_prefix("--")) {
                    let known = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                    assert!(known, "{file}: {} has no --{flag}", command.get_name());
                }
                found.push(format!("{file}: {}", command.get_name()));
            }
        }
    }
    let wanted =
        ["sluicegate.service: init", "sluicegate.service: serve", "sluicegate-backup.service: backup"];
    for wanted in wanted.into_iter().chain(["Dockerfile: init"]) {
        assert!(found.iter().any(|found| found == wanted), "{wanted}: {found:?}");
    }
}

#[test]
fn the_variables_of_the_image_are_settings() {
    let (_, text) = DEPLOYED[2];
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    let variables: Vec<_> = pairs.filter(|(name, _)| name.starts_with("SLUICEGATE_")).collect();
    assert!(variables.len() >= 3, "{variables:?}");
    let settings = Place::default().settings(&Environment::sample(&variables)).unwrap();
    assert_eq!(settings.general.data_dir, PathBuf::from("/data"));
}

#[test]
fn what_the_image_runs_is_a_command() {
    let (_, text) = DEPLOYED[2];
    let words = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let words: Vec<String> = serde_json::from_str(words).unwrap();
    assert_eq!(words, ["serve", "--listen", "0.0.0.0:8080"]);
    let typed = std::iter::once("sluicegate".to_owned()).chain(words);
    <CommandLine as clap::Parser>::try_parse_from(typed).unwrap();
}

#[test]
fn the_command_line_is_consistent() {
    <CommandLine as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn a_fault_names_what_was_given() {
    let faults = [("redirectUrls[1]", "is no URL"), ("scopes", "is empty"), ("options.path", "is required")];
    let faults = faults.map(|(field, message)| (field.to_owned(), message.to_owned()));
    let told = sentence(faults.into_iter()).to_string();
    assert_eq!(told, "--redirect-url (number 2) is no URL; --scope is empty; the path is required");
}

#[test]
fn members_of_the_api_are_told_as_flags_and_things() {
    for member in ["transferTo", "sharedUsers[0]", "dataStore", "corsOrigins[2]", "options.keys"] {
        assert!(!given(member).contains(member.split('[').next().unwrap()), "{member}");
    }
    assert_eq!(place_in_list("sharedUsers[3]"), Some(3));
    assert_eq!(place_in_list("sharedUsers"), None);
}

/// Nothing but where the installation is, and whom it is about, may be said without changing something.
#[test]
fn an_update_wants_something_to_change() {
    let program = <CommandLine as clap::CommandFactory>::command();
    for what in ["application", "role"] {
        let update = program.find_subcommand(what).unwrap().find_subcommand("update").unwrap();
        let group = update.get_groups().find(|group| group.get_id() == "changes").unwrap();
        let changes: Vec<_> = group.get_args().collect();
        let place = ["data-dir", "config", "database"];
        for flag in update.get_opts().filter(|flag| !place.contains(&flag.get_long().unwrap())) {
            assert!(changes.contains(&flag.get_id()), "{what} update --{}", flag.get_long().unwrap());
        }
        let typed = ["sluicegate", what, "update", "1"];
        let refused = <CommandLine as clap::Parser>::try_parse_from(typed).unwrap_err().to_string();
        assert!(refused.contains("--name") && refused.contains("Usage:"), "{refused}");
        let renamed = typed.into_iter().chain(["--name", "X"]);
        <CommandLine as clap::Parser>::try_parse_from(renamed).unwrap();
    }
}

#[test]
fn numbers_and_addresses_are_refused_in_words() {
    for (typed, told) in [
        (&["audit", "list", "--limit", "x"][..], "a whole number from 1 to 1000"),
        (&["audit", "list", "--limit", "1001"], "a whole number from 1 to 1000"),
        (&["limit", "set", "MaxFetchRows", "x"], "a whole number"),
        (&["application", "update", "1", "--access-token-lifetime", "x"], "a whole number"),
        (&["application", "show", "Reports"], "`application list` shows"),
        (&["demo", "--listen", "0.0.0.0:0"], "stays on this machine"),
    ] {
        let typed = std::iter::once(&"sluicegate").chain(typed);
        let refused = <CommandLine as clap::Parser>::try_parse_from(typed).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert!(!refused.contains("invalid digit") && !refused.contains("--tls-cert"), "{refused}");
    }
}

#[test]
fn an_error_of_permissions_says_once_what_is_wrong_and_what_to_do() {
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let path = PathBuf::from("/srv/master.key");
    let error = anyhow::Error::from(vault::MasterKeyError::File { path, source: denied });
    let told = format!("{error:#}{}", advice(&error));
    assert_eq!(told.matches("permission denied").count(), 1, "{told}");
    assert!(told.contains("/srv/master.key") && told.contains("Run this as the user"), "{told}");
    assert_eq!(advice(&anyhow::anyhow!("something else")), "");
}

/// What shows something has `--json`, and what cannot be taken back has `--yes`.
#[test]
fn every_list_prints_json_and_every_end_can_be_confirmed_ahead() {
    fn check(command: &clap::Command, path: &str) {
        let has = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
        match command.get_name() {
            "list" | "show" | "permissions" => assert!(has("json"), "{path} has no --json"),
            "delete" | "end" | "reset" | "reset-secret" | "revoke" => {
                assert!(has("yes"), "{path} has no --yes");
            }
            _ => {}
        }
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
    }
    check(&<CommandLine as clap::CommandFactory>::command(), "sluicegate");
}

//! The confirmations on a real terminal before something is irrevocably deleted or revoked.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Random, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// A pseudo-terminal: the side where somebody types, and the side that a program reads.
fn terminal() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&keyboard).expect("it is ours");
    unlockpt(&keyboard).expect("it can be opened");
    let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
    let flags = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
    let name = name.to_str().expect("a path");
    let program = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name);
    let program = program.expect("the other end");
    (File::from(keyboard), program)
}

/// Runs a command with a terminal as its input, types `answer` after the question, and returns its standard error.
fn run_with_input(mut command: Command, answer: &str) -> (bool, String) {
    let (mut keyboard, program) = terminal();
    let mut child =
        command.stdin(program).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut said = child.stderr.take().expect("a pipe");
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"[y/N] ") {
        assert_eq!(said.read(&mut byte).expect("it says something"), 1, "{}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
    keyboard.write_all(answer.as_bytes()).expect("it is typed");
    said.read_to_end(&mut read).expect("the rest");
    let success = child.wait().expect("it ends").success();
    (success, String::from_utf8(read).expect("UTF-8"))
}

fn listed(installation: &Installation, what: &[&str]) -> Value {
    let output = installation.command(what).output().expect("the binary runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn done(installation: &Installation, what: &[&str]) {
    let output = installation.command(what).output().expect("the binary runs");
    assert!(output.status.success(), "{what:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The commands that delete or revoke something, and what the question names. The ids are those of a new installation.
const ENDINGS: [(&[&str], &str); 16] = [
    (&["allowed", "revoke", USER.name, "1"], "Reports"),
    (&["secret", "end", "1", "1"], "Reports"),
    (&["application", "reset-secret", "1"], "Reports"),
    (&["application", "delete", "1"], "Reports"),
    (&["data-source", "delete", "shop"], "shop"),
    (&["cors", "delete", "1"], "https://app.example.com"),
    (&["scope", "delete", "orders.read"], "orders.read"),
    (&["resource-server", "delete", "2"], "https://orders.example.com"),
    (&["limit", "reset", "MaxFetchRows"], "MaxFetchRows"),
    (&["allow-list", "clear"], "the installation"),
    (&["role", "delete", "Idle"], "Idle"),
    (&["initial-access-token", "delete", "1"], "Build agents"),
    (&["trusted-issuer", "delete", "1"], "https://idp.example.com"),
    (&["personal-access-token", "end", USER.name, "1"], "Excel"),
    (&["session", "end", USER.name, "--all"], USER.name),
    (&["user", "delete", USER.name], USER.name),
];

/// Creates one object of each kind.
fn furnish(installation: &Installation) {
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).expect("it is registered");
    // The user signs in with a browser and allows the application.
    client.code(&Wire::new(served.url()), &USER, &Random::new(7).verifier()).expect("a code");
    Wire::new(served.url()).make_personal_access_token(&USER, "Excel").expect("a token");
    drop(served);
    done(installation, &["secret", "add", "1"]);
    let file = installation.sample_data("shop.sqlite");
    done(installation, &["data-source", "add", "shop", file.to_str().expect("a path")]);
    done(installation, &["cors", "add", "https://app.example.com"]);
    done(installation, &["resource-server", "add", "https://orders.example.com", "Orders"]);
    done(installation, &["scope", "add", "2", "orders.read", "Read your orders"]);
    done(installation, &["role", "add", "Idle"]);
    done(installation, &["allow-list", "set", "--data-access", "10.0.0.0/8"]);
    done(installation, &["initial-access-token", "create", "--description", "Build agents"]);
    let settings =
        r#"{"purposes":["identity_assertion"],"clients":["*"],"subjectIs":"email","subjectClaim":"email"}"#;
    done(installation, &["trusted-issuer", "add", "https://idp.example.com", "--settings", settings]);
}

#[test]
fn irreversible_commands_ask_for_confirmation_at_a_terminal() {
    let installation = Installation::new(BINARY);
    furnish(&installation);
    for (command, name) in ENDINGS {
        for no in ["n\n", "\n", "what\n", "\u{4}"] {
            let (success, said) = run_with_input(installation.command(command), no);
            assert!(!success && said.contains("nothing was changed"), "{command:?} {no:?}: {said}");
            assert!(said.contains(name), "{command:?} says what it is about: {said}");
        }
    }
    for (command, _) in ENDINGS {
        let (success, said) = run_with_input(installation.command(command), "y\n");
        assert!(success, "{command:?}, which nothing ended before: {said}");
    }
    for kind in ["application", "data-source", "cors"] {
        assert_eq!(listed(&installation, &[kind, "list", "--json"]), json!([]), "{kind}");
    }
    let users = listed(&installation, &["user", "list", "--json"]);
    assert_eq!(users.as_array().map(Vec::len), Some(1), "{users}");
}

/// The names of the commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Continuation lines are indented further.
    let names =
        listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn help(path: &[&str]) -> String {
    let output = Command::new(BINARY).env_clear().args(path).arg("-h").output().expect("it runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_command_that_takes_yes_is_tested_at_a_terminal() {
    let mut found = 0;
    for outer in commands(&help(&[])) {
        for inner in commands(&help(&[&outer])) {
            if help(&[&outer, &inner]).contains("--yes") {
                found += 1;
                let is_tested =
                    ENDINGS.iter().any(|(tested, _)| tested[..2] == [outer.as_str(), inner.as_str()]);
                assert!(is_tested, "{outer} {inner} has no row among the endings");
            }
        }
    }
    assert_eq!(found, ENDINGS.len());
}

#[test]
fn the_confirmation_says_what_happens_to_the_possessions_of_a_user() {
    let installation = Installation::new(BINARY);
    let url = "https://a.example/cb";
    done(&installation, &["application", "register", "Reports", "--owner", USER.name, "--redirect-url", url]);
    let delete = ["user", "delete", USER.name];
    for (more, message) in [
        (&["--transfer-to", ADMIN.name][..], "give what d2cuser owns to d2cadmin?"),
        (&["--force"], "with every application and data source of d2cuser?"),
    ] {
        let command = [&delete[..], more].concat();
        let (success, said) = run_with_input(installation.command(&command), "no\n");
        assert!(!success && said.contains(message), "{said}");
    }
    let (success, said) =
        run_with_input(installation.command(&[&delete[..], &["--force"]].concat()), "YES\n");
    assert!(success, "{said}");
    assert_eq!(listed(&installation, &["application", "list", "--json"]), json!([]));
}

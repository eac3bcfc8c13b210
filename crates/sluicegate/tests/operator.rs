//! Tests of the operator's commands and of the output that programs read.

use std::process::Command;

use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Random, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// The output of a command on both streams, and whether it succeeded.
fn run(mut command: Command) -> (bool, String, String) {
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn good(installation: &Installation, arguments: &[&str]) -> String {
    let (success, out, err) = run(installation.command(arguments));
    assert!(success, "{arguments:?}: {err}");
    out
}

fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let (success, _, err) = run(installation.command(arguments));
    assert!(!success, "{arguments:?} must be refused");
    err
}

fn in_json(installation: &Installation, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    serde_json::from_str(&good(installation, &arguments)).expect("JSON and nothing else")
}

fn register(installation: &Installation) {
    let url = "https://reports.example.org/callback";
    good(installation, &["application", "register", "Reports", "--owner", USER.name, "--redirect-url", url]);
}

#[test]
fn users_in_json_have_the_members_of_the_management_api() {
    let installation = Installation::new(BINARY);
    let users = in_json(&installation, &["user", "list"]);
    assert_eq!(users[0]["userName"], ADMIN.name);
    assert_eq!(users[0]["statusInfo"], json!({ "status": 1, "accountLocked": false }));
    assert_eq!(users[0]["passwordInfo"], json!({ "passwordStatus": 1, "passwordExpiration": null }));
    assert_eq!(users[0]["permissions"], json!({ "roles": [1] }));
    assert_eq!(users[0]["name"], ADMIN.name, "a member of earlier releases");
}

/// What `doctor` prints as JSON, and its exit status.
fn examined(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> (Value, i32) {
    let mut command = installation.command(&["doctor", "--json"]);
    let output = command.args(arguments).envs(variables.iter().copied()).output().expect("the binary runs");
    let printed = serde_json::from_slice(&output.stdout);
    let printed =
        printed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (printed, output.status.code().expect("it ends"))
}

/// The messages about a subject with a level.
fn said<'v>(printed: &'v Value, level: &str, subject: &str) -> Vec<&'v str> {
    let findings = printed["findings"].as_array().expect("findings").iter();
    let found = findings.filter(|finding| finding["level"] == level && finding["subject"] == subject);
    found.map(|finding| finding["message"].as_str().expect("a text")).collect()
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("an own file");
}

#[test]
fn doctor_finds_an_installation_in_order_and_what_is_missing_around_it() {
    let installation = Installation::new(BINARY);
    let (printed, status) = examined(&installation, &["--offline"], &[]);
    assert_eq!((status, &printed["errors"]), (0, &json!(0)), "{printed:#}");
    assert_eq!(said(&printed, "good", "database").len(), 1, "{printed:#}");
    assert_eq!(said(&printed, "warning", "backup"), ["`sluicegate backup` has never made one"]);
    let target = installation.folder().join("backup.db");
    good(&installation, &["backup", "--to", target.to_str().expect("a path")]);
    let (printed, _) = examined(&installation, &["--offline"], &[]);
    assert_eq!(said(&printed, "good", "backup"), ["the last one is 0 days old"]);
    let lines = good(&installation, &["doctor", "--offline"]);
    assert!(lines.contains("good     backup: ") && lines.ends_with("warnings: 0\n"), "{lines}");
    assert_eq!(
        said(
            &examined(&installation, &[], &[("SLUICEGATE_OBSERVATION__LISTEN", "127.0.0.1:1")]).0,
            "note",
            "server"
        )
        .len(),
        1
    );
}

#[test]
fn doctor_finds_faults_of_the_configuration_and_of_files() {
    let installation = Installation::new(BINARY);
    let (printed, status) = examined(&installation, &["--offline"], &[("SLUICEGATE_NO_SUCH", "1")]);
    assert_eq!(status, 2);
    assert!(said(&printed, "error", "configuration")[0].contains("SLUICEGATE_NO_SUCH"), "{printed:#}");
    let weak = [("SLUICEGATE_RATE_LIMIT__ENABLED", "false"), ("SLUICEGATE_BEHIND_TLS_PROXY", "true")];
    let (printed, status) = examined(&installation, &["--offline"], &weak);
    assert_eq!((status, said(&printed, "warning", "settings").len()), (0, 3), "{printed:#}");
    set_mode(&installation.data_dir(), 0o755);
    set_mode(&installation.database(), 0o644);
    let (printed, status) = examined(&installation, &["--offline"], &[]);
    assert_eq!(
        (status, said(&printed, "warning", "files").len(), said(&printed, "error", "files").len()),
        (1, 1, 1)
    );
    let (printed, status) =
        examined(&installation, &["--offline"], &[("SLUICEGATE_MASTER_KEY", &"0f".repeat(32))]);
    assert_eq!(status, 1);
    assert!(said(&printed, "error", "database")[0].contains("the master key is not the one"), "{printed:#}");
    set_mode(&installation.data_dir().join("master.key"), 0o644);
    assert_eq!(said(&examined(&installation, &["--offline"], &[]).0, "error", "installation").len(), 1);
}

#[test]
fn doctor_does_not_migrate() {
    let installation = Installation::new(BINARY);
    let database = rusqlite::Connection::open(installation.database()).expect("the database");
    let forget = "DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)";
    database.execute(forget, []).expect("the last migration");
    let newest = || -> i64 {
        database.query_row("SELECT max(number) FROM migrations", [], |row| row.get(0)).expect("a number")
    };
    let before = newest();
    let (printed, status) = examined(&installation, &["--offline"], &[]);
    assert!(
        status == 0 && said(&printed, "warning", "database")[0].ends_with("missing migrations: 1"),
        "{printed:#}"
    );
    assert!(said(&printed, "good", "keys").is_empty(), "{printed:#}");
    assert_eq!(newest(), before);
}

#[test]
fn doctor_prints_no_password_of_the_database() {
    let installation = Installation::new(BINARY);
    let url = "postgres://gate:correct-horse@127.0.0.1:1/gate";
    let (printed, status) = examined(&installation, &["--offline"], &[("SLUICEGATE_DATABASE", url)]);
    assert_eq!((status, said(&printed, "error", "database").len()), (1, 1), "{printed:#}");
    let (key, node) = ("0f".repeat(32), installation.folder().join("node"));
    std::fs::create_dir(&node).expect("a folder");
    set_mode(&node, 0o777);
    let variables =
        [("SLUICEGATE_DATABASE", url), ("SLUICEGATE_MASTER_KEY", &key), ("SLUICEGATE_DATA_DIR", "node")];
    let mut bare = std::process::Command::new(BINARY);
    bare.env_clear().current_dir(installation.folder()).args(["doctor", "--json", "--offline"]);
    let output = bare.envs(variables).output().expect("the binary runs");
    let bare = String::from_utf8(output.stdout).expect("JSON");
    assert!(!bare.contains("mode 777"), "a folder without a secret may be open: {bare}");
    let file = installation.folder().join("gate.toml");
    std::fs::write(&file, format!("database = \"{url}\"\n")).expect("a file");
    set_mode(&file, 0o644);
    let text = file.to_str().expect("a path");
    let (readable, _) = examined(&installation, &["--offline", "--config", text], &[]);
    assert!(
        said(&readable, "warning", "files")[0].contains("whose password others may read"),
        "{readable:#}"
    );
    assert!(![printed, readable].iter().any(|printed| printed.to_string().contains("correct-horse")));
}

#[test]
fn doctor_tests_data_sources_and_asks_the_running_server_and_the_public_address() {
    let installation = Installation::new(BINARY);
    let file = installation.sample_data("harbour.sqlite");
    let path = file.to_str().expect("a path");
    good(&installation, &["data-source", "add", "harbour", path, "--owner", USER.name]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let observed = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let observation = [("SLUICEGATE_OBSERVATION__LISTEN", &*observed)];
    let served = installation.serve_below("/gate", &[], &observation);
    let (printed, status) = examined(&installation, &["--public-url", served.url()], &observation);
    assert_eq!(status, 0, "{printed:#}");
    for subject in ["server", "public address", "data source"] {
        assert_eq!(said(&printed, "good", subject).len(), 1, "{subject}: {printed:#}");
    }
    let other = served.url().replace("/gate", "/other");
    std::fs::remove_file(&file).expect("an own file");
    let (printed, status) = examined(&installation, &["--public-url", &other], &observation);
    assert_eq!(status, 1);
    assert!(said(&printed, "error", "public address")[0].contains("404"), "{printed:#}");
    assert!(said(&printed, "error", "data source")[0].starts_with("harbour: "), "{printed:#}");
    let host = served.url().replace("127.0.0.1", "localhost");
    let (printed, _) = examined(&installation, &["--public-url", &host], &observation);
    assert!(said(&printed, "error", "public address")[0].contains("calls itself"), "{printed:#}");
}

#[test]
fn doctor_compares_the_certificate_with_the_public_address() {
    let installation = Installation::new(BINARY);
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/");
    let [chain, key] = ["pem", "key"].map(|extension| {
        let file = installation.folder().join(format!("first.{extension}"));
        std::fs::copy(format!("{certificates}first.{extension}"), &file).expect("a copy");
        set_mode(&file, 0o600);
        file.to_str().expect("a path").to_owned()
    });
    let tls = ["--offline", "--tls-cert", &chain, "--tls-key", &key, "--public-url"];
    let (printed, status) = examined(&installation, &[&tls[..], &["https://localhost:8443"]].concat(), &[]);
    assert_eq!((status, said(&printed, "good", "certificate").len()), (0, 1), "{printed:#}");
    let (printed, status) = examined(&installation, &[&tls[..], &["https://gate.example.org"]].concat(), &[]);
    assert_eq!(status, 1);
    assert!(said(&printed, "error", "certificate")[0].contains("is not for gate.example.org"), "{printed:#}");
}

#[test]
fn a_backup_that_cannot_be_written_names_the_file_of_the_command() {
    let installation = Installation::new(BINARY);
    let target = installation.folder().join("missing").join("backup.db");
    let message = refused(&installation, &["backup", "--to", target.to_str().unwrap()]);
    assert!(message.contains(&format!("{} cannot be written", target.display())), "{message}");
    assert!(!message.contains(".unfinished"), "{message}");
}

#[test]
fn every_list_and_show_prints_json() {
    let installation = Installation::new(BINARY);
    register(&installation);
    let file = installation.folder().join("shop.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch(
            "CREATE TABLE Orders (Id INTEGER PRIMARY KEY); CREATE VIEW Few AS SELECT Id FROM Orders",
        )
        .unwrap();
    drop(database);
    good(&installation, &["data-source", "add", "shop", "shop.sqlite", "--key", "Few=Id"]);
    for (list, name) in [
        (&["user", "list"][..], "d2cadmin"),
        (&["application", "list"], "Reports"),
        (&["role", "list"], "Administrator"),
        (&["role", "permissions"], "CreateUsers"),
        (&["limit", "list"], "MaxFetchRows"),
        (&["data-source", "list"], "shop"),
    ] {
        let listed = in_json(&installation, list);
        let listed = listed.as_array().expect("a list");
        assert!(listed.iter().any(|element| element["name"] == name), "{list:?}: {listed:?}");
        assert!(good(&installation, list).contains(name));
    }
    assert_eq!(in_json(&installation, &["application", "show", "1"])["createdBy"], USER.name);
    assert_eq!(in_json(&installation, &["user", "show", ADMIN.name])["roles"], json!(["Administrator"]));
    assert_eq!(in_json(&installation, &["role", "show", "user"])["id"], 2);
    assert_eq!(in_json(&installation, &["limit", "show", "100"])["name"], "OAuthAccessTokenLifetime");
    assert_eq!(
        in_json(&installation, &["data-source", "show", "shop"])["entitySets"],
        json!(["Few", "Orders"])
    );
    good(&installation, &["data-source", "add-group", "all", "--member", "shop=east"]);
    assert_eq!(in_json(&installation, &["data-source", "show", "all"])["members"][0]["name"], "shop");
    good(&installation, &["data-source", "members", "all", "--member", "shop=west"]);
    assert_eq!(in_json(&installation, &["data-source", "members", "all"])[0]["entityPrefix"], "west");
    assert_eq!(in_json(&installation, &["keys", "list"])[0]["state"], "seals");
    assert_eq!(in_json(&installation, &["secret", "list", "1"]).as_array().map(Vec::len), Some(1));
    let events = in_json(&installation, &["audit", "list", "--limit", "1"]);
    assert_eq!(events[0]["actor"], "command line");
}

#[test]
fn an_irreversible_command_needs_yes_without_a_terminal() {
    let installation = Installation::new(BINARY);
    register(&installation);
    good(&installation, &["role", "add", "Idle"]);
    for command in [
        &["application", "delete", "1"][..],
        &["application", "reset-secret", "1"],
        &["user", "delete", USER.name],
        &["role", "delete", "Idle"],
        &["limit", "reset", "MaxFetchRows"],
    ] {
        let message = refused(&installation, command);
        assert!(
            message.contains("--yes") && message.contains("Nothing was changed"),
            "{command:?}: {message}"
        );
    }
    let message = refused(&installation, &["application", "delete", "1"]);
    assert!(message.contains("Reports"), "it says what it is about: {message}");
    assert_eq!(in_json(&installation, &["application", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(in_json(&installation, &["user", "list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn updating_an_application_keeps_omitted_settings() {
    let installation = Installation::new(BINARY);
    register(&installation);
    let before = in_json(&installation, &["application", "show", "1"]);
    let lifetime =
        ["application", "update", "1", "--access-token-lifetime", "600", "--description", "Monthly"];
    good(&installation, &lifetime);
    let after = in_json(&installation, &["application", "show", "1"]);
    assert_eq!((&after["accessTokenLifetime"], &after["description"]), (&json!(600), &json!("Monthly")));
    for kept in ["name", "redirectUrls", "grantTypes", "scopes", "clientId", "profile"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let message = refused(&installation, &["application", "update", "1", "--redirect-url", "javascript:x"]);
    assert!(message.contains("--redirect-url (number 1)"), "{message}");
    assert!(
        refused(&installation, &["application", "update", "99", "--name", "X"])
            .contains("there is no application 99")
    );
    let events = in_json(&installation, &["audit", "list", "--action", "application.update"]);
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    let message =
        good(&installation, &["application", "update", "1", "--redirect-url", "http://a.example/cb"]);
    assert!(
        message.contains("warning: --redirect-url (number 1) ") && !message.contains("redirectUrls"),
        "{message}"
    );
    good(&installation, &["application", "update", "1", "--name", "Figures"]);
    let events = in_json(&installation, &["audit", "list", "--action", "application.update", "--limit", "1"]);
    assert_eq!(
        (&events[0]["subject"], &events[0]["detail"]),
        (&json!("Reports"), &json!("renamed to Figures"))
    );
}

#[test]
fn at_most_two_secrets_are_live_and_one_is_revoked_by_id() {
    let installation = Installation::new(BINARY);
    register(&installation);
    assert!(good(&installation, &["secret", "add", "1"]).contains("clientSecret  sgs_"));
    assert!(refused(&installation, &["secret", "add", "1"]).contains("two secrets are already live"));
    let live = in_json(&installation, &["secret", "list", "1"]);
    let older = live[0]["id"].to_string();
    good(&installation, &["secret", "end", "1", &older, "--yes"]);
    let message = refused(&installation, &["secret", "end", "1", &older, "--yes"]);
    assert!(message.contains(&format!("has no live secret {older}")), "{message}");
    assert_eq!(in_json(&installation, &["secret", "list", "1"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn roles_and_limits_are_managed_under_the_rules_of_the_api() {
    let installation = Installation::new(BINARY);
    good(&installation, &["role", "add", "Auditor", "--permission", "ViewUsers", "--permission", "15"]);
    good(&installation, &["role", "update", "auditor", "--description", "Looks on"]);
    let role = in_json(&installation, &["role", "show", "Auditor"]);
    assert_eq!(
        (&role["description"], role["permissions"].as_array().map(Vec::len)),
        (&json!("Looks on"), Some(2))
    );
    let renamed = ["role", "update", "Auditor", "--name", "Reader"];
    good(&installation, &renamed);
    let events = in_json(&installation, &["audit", "list", "--action", "role.update", "--limit", "1"]);
    let detail = events[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("renamed to Reader; permissions: "), "{detail}");
    good(&installation, &["role", "update", "Reader", "--name", "Auditor"]);
    assert!(refused(&installation, &["role", "add", "auditor"]).contains("another role is called auditor"));
    assert!(
        refused(&installation, &["role", "add", "X", "--permission", "Fly"]).contains("no permission Fly")
    );
    assert!(refused(&installation, &["role", "delete", "User", "--yes"]).contains("role User"));
    good(&installation, &["role", "delete", "Auditor", "--yes"]);
    assert!(refused(&installation, &["role", "show", "Auditor"]).contains("there is no role Auditor"));

    good(&installation, &["limit", "set", "maxfetchrows", "10"]);
    assert_eq!(in_json(&installation, &["limit", "show", "1"])["value"], 10);
    assert!(refused(&installation, &["limit", "set", "1", "-1"]).contains("the value "));
    good(&installation, &["limit", "reset", "1", "--yes"]);
    assert_eq!(in_json(&installation, &["limit", "show", "1"])["value"], 0);
    assert!(refused(&installation, &["limit", "show", "Nothing"]).contains("there is no such limit"));
    for owner in [&[][..], &["--user", USER.name]] {
        let command = |words: &[&'static str]| [words, owner].concat();
        let set =
            command(&["allow-list", "set", "--data-access", "10.0.0.0/8,192.0.2.7", "--admin-api", "::1"]);
        good(&installation, &set);
        let shown = in_json(&installation, &command(&["allow-list", "show"]));
        assert_eq!(shown["dataAccess"], json!(["10.0.0.0/8", "192.0.2.7"]));
        assert_eq!((&shown["adminAPI"], &shown["webUI"]), (&json!(["::1"]), &json!([])));
        good(&installation, &command(&["allow-list", "clear", "--yes"]));
        assert_eq!(in_json(&installation, &command(&["allow-list", "show"]))["dataAccess"], json!([]));
    }
    assert!(refused(&installation, &["allow-list", "set"]).contains("name at least one list"));
    assert!(refused(&installation, &["allow-list", "show", "--user", "nobody"]).contains("nobody"));
    assert!(
        refused(&installation, &["allow-list", "show", "--application", "77"]).contains("application 77")
    );
}

#[test]
fn a_user_is_signed_out_of_one_browser_or_of_all() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    let sign_in = || client.code(&Wire::new(served.url()), &USER, &Random::new(7).verifier()).unwrap();
    let listed = || in_json(&installation, &["session", "list", USER.name]).as_array().unwrap().clone();
    sign_in();
    sign_in();
    sign_in();
    let sessions = listed();
    assert!(sessions.len() >= 3, "{sessions:?}");
    let first = sessions[0]["id"].to_string();
    let message = refused(&installation, &["session", "end", USER.name, &first]);
    assert!(message.contains("--yes") && message.contains(USER.name), "{message}");
    good(&installation, &["session", "end", USER.name, &first, "--yes"]);
    assert_eq!(listed().len(), sessions.len() - 1);
    assert!(
        refused(&installation, &["session", "end", USER.name, &first, "--yes"]).contains("has no session")
    );
    assert!(
        refused(&installation, &["session", "end", ADMIN.name, &sessions[1]["id"].to_string(), "--yes"])
            .contains("has no session")
    );
    good(&installation, &["session", "end", USER.name, "--all", "--yes"]);
    assert!(listed().is_empty());
    // Nobody can be asked, and there is nothing to ask about.
    let message = good(&installation, &["session", "end", USER.name, "--all"]);
    assert!(message.contains("has no session"), "{message}");
    let ended = in_json(&installation, &["audit", "list", "--action", "user.sign_out"]);
    let details: Vec<_> = ended.as_array().unwrap().iter().map(|event| event["detail"].clone()).collect();
    assert_eq!(details, [json!("all sessions"), json!(format!("session {first}"))], "{ended}");
}

#[test]
fn errors_quote_what_was_typed() {
    let installation = Installation::new(BINARY);
    let sample = installation.folder().join("harbour.sqlite");
    let sample = sample.to_str().unwrap();
    let own = installation.data_dir().join("sluicegate.db");
    let write_sample = || {
        let mut command = Command::new(BINARY);
        command.env_clear().args(["sample-data", sample]);
        run(command)
    };
    assert!(write_sample().0);
    let before = std::fs::read(sample).unwrap();
    good(&installation, &["data-source", "add", "harbour", sample]);
    for (typed, message) in [
        (&["data-source", "add", "a", "./nofile.sqlite"][..], "nofile.sqlite cannot be a data source"),
        (&["data-source", "add", "own", own.to_str().unwrap()], "the server's own files"),
        (
            &["data-source", "share", "harbour", "nobody", USER.name, "noone"],
            "no user nobody and no user noone",
        ),
        (&["data-source", "show", "1"], "`sluicegate data-source list` shows it"),
        (&["user", "show", "1"], "`sluicegate user list` shows it"),
        (&["user", "delete", USER.name, "--yes", "--transfer-to", "nobody"], "--transfer-to must name"),
        (&["copy", "--to", "sqlite://x"], "(--to)"),
    ] {
        let said = refused(&installation, typed);
        assert!(said.contains(message), "{typed:?}: {said}");
        assert!(!said.contains("sharedUsers") && !said.contains("transferTo"), "{said}");
    }
    let (success, _, said) = write_sample();
    assert!(!success && said.contains("exists already and is left as it is"), "{said}");
    assert!(std::fs::read(sample).unwrap() == before);
}

#[test]
fn possessions_of_a_deleted_user_are_handed_over_or_deleted_or_prevent_the_deletion() {
    let installation = Installation::new(BINARY);
    register(&installation);
    let delete = ["user", "delete", USER.name, "--yes"];
    let with = |more: &[&'static str]| [&delete[..], more].concat();
    let message = refused(&installation, &delete);
    for said in ["\"Reports\"", "--transfer-to NAME", "--force"] {
        assert!(message.contains(said), "{message}");
    }
    assert!(
        refused(&installation, &with(&["--force", "--transfer-to", ADMIN.name])).contains("cannot be used")
    );
    assert!(refused(&installation, &with(&["--transfer-to", USER.name])).contains("another active user"));
    good(&installation, &["role", "add", "Idle"]);
    good(&installation, &["user", "add", "idle", "--role", "Idle"]);
    let message = refused(&installation, &with(&["--transfer-to", "idle"]));
    assert!(message.contains("--transfer-to ") && message.contains("MgmtAPI"), "{message}");
    assert_eq!(in_json(&installation, &["application", "show", "1"])["createdBy"], USER.name);
    good(&installation, &with(&["--transfer-to", ADMIN.name]));
    let application = in_json(&installation, &["application", "show", "1"]);
    assert_eq!((&application["createdBy"], &application["secrets"]), (&json!(USER.name), &json!([])));
    assert_eq!(application["handedOverTo"], ADMIN.name);
    good(&installation, &["user", "add", "ada"]);
    let url = "https://reports.example.org/callback";
    good(&installation, &["application", "register", "Two", "--owner", "ada", "--redirect-url", url]);
    good(&installation, &["user", "delete", "ada", "--force", "--yes"]);
    assert!(refused(&installation, &["application", "show", "2"]).contains("there is no application 2"));
    let events = in_json(&installation, &["audit", "list", "--action", "user.delete"]);
    let details: Vec<&str> =
        events.as_array().unwrap().iter().filter_map(|event| event["detail"].as_str()).collect();
    assert_eq!(
        details,
        ["what the user owned was deleted too", "what the user owned was handed over to d2cadmin"]
    );
}

#[test]
fn resource_servers_and_scopes_are_managed_at_the_command_line() {
    let installation = Installation::new(BINARY);
    good(&installation, &["resource-server", "add", "https://orders.example.com", "Orders"]);
    let listed = in_json(&installation, &["resource-server", "list"]);
    assert_eq!((&listed[0]["builtIn"], &listed[1]["name"]), (&json!(true), &json!("Orders")));
    let add = ["scope", "add", "https://orders.example.com", "orders.read", "Read your orders"];
    good(&installation, &[&add[..], &["--assignable-by", "anyone"]].concat());
    let scope = in_json(&installation, &["scope", "show", "orders.read"]);
    assert_eq!((&scope["assignableBy"], &scope["risk"]), (&json!("anyone"), &json!("low")));
    assert!(refused(&installation, &add).contains("is the name of another scope"));
    let update = ["scope", "update", "orders.read", "--risk", "high", "--new-name", "orders.all"];
    good(&installation, &update);
    let scope = in_json(&installation, &["scope", "show", "orders.all"]);
    let kept = (&scope["risk"], &scope["description"], &scope["assignableBy"]);
    assert_eq!(kept, (&json!("high"), &json!("Read your orders"), &json!("anyone")));
    let register = ["application", "register", "Ship", "--redirect-url", "https://ship.example/cb"];
    good(&installation, &[&register[..], &["--scope", "orders.all"]].concat());
    assert_eq!(in_json(&installation, &["application", "show", "1"])["scopes"], json!(["orders.all"]));
    let message = refused(&installation, &["scope", "delete", "orders.all", "--yes"]);
    assert!(message.contains("1 application is registered"), "{message}");
    let message = refused(&installation, &["scope", "delete", "api.mgmt", "--yes"]);
    assert!(message.contains("built in"), "{message}");
    let message = refused(&installation, &["resource-server", "delete", "2", "--yes"]);
    assert!(message.contains("still has 1 scope"), "{message}");
    good(&installation, &["application", "delete", "1", "--yes"]);
    good(&installation, &["scope", "delete", "orders.all", "--yes"]);
    good(&installation, &["resource-server", "delete", "https://orders.example.com", "--yes"]);
    assert_eq!(
        in_json(&installation, &["scope", "list"]).as_array().map(Vec::len),
        Some(BuiltInScope::ALL.len())
    );
}

#[test]
fn trusted_origins_are_kept_at_the_command_line() {
    let installation = Installation::new(BINARY);
    let add =
        ["cors", "add", "https://*.example.com", "HTTPS://App.Example.org:443", "--description", "Ours"];
    good(&installation, &add);
    let listed = in_json(&installation, &["cors", "list"]);
    let domains: Vec<&Value> = listed.as_array().unwrap().iter().map(|entry| &entry["domain"]).collect();
    assert_eq!(domains, ["https://*.example.com", "https://app.example.org"]);
    assert_eq!(listed[0]["description"], "Ours");
    let message = refused(&installation, &["cors", "add", "https://ok.example", "null", "https://*.co.uk"]);
    assert!(
        message.contains("the origin (number 2) is null") && message.contains("the origin (number 3) "),
        "{message}"
    );
    assert!(
        refused(&installation, &["cors", "add", "https://app.example.org"]).contains("on the list already")
    );
    good(&installation, &["cors", "update", "2", "--description", "The app"]);
    let entry = in_json(&installation, &["cors", "show", "2"]);
    assert_eq!(
        (&entry["domain"], &entry["description"]),
        (&json!("https://app.example.org"), &json!("The app"))
    );
    assert!(refused(&installation, &["cors", "show", "9"]).contains("there is no entry 9"));
    good(&installation, &["cors", "delete", "1", "--yes"]);
    assert_eq!(in_json(&installation, &["cors", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn every_setting_of_the_api_can_be_set_at_the_command_line() {
    let installation = Installation::new(BINARY);
    register(&installation);
    let origins = ["--cors-origin", "https://app.example.org", "--cors-origin", "http://localhost:5173"];
    good(
        &installation,
        &[&["application", "update", "1", "--token-format", "opaque"], &origins[..]].concat(),
    );
    let shown = in_json(&installation, &["application", "show", "1"]);
    assert_eq!(shown["corsOrigins"], json!(["https://app.example.org", "http://localhost:5173"]));
    assert!(good(&installation, &["application", "show", "1"]).contains("http://localhost:5173"));
    let message = refused(&installation, &["application", "update", "1", "--cors-origin", "null"]);
    assert!(message.contains("--cors-origin (number 1) is null"), "{message}");
    good(&installation, &["application", "update", "1", "--cors-origin", ""]);
    assert_eq!(in_json(&installation, &["application", "show", "1"])["corsOrigins"], Value::Null);

    let file = installation.folder().join("shop.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch(
            "CREATE TABLE Orders (Id INTEGER PRIMARY KEY, At DATETIME); INSERT INTO Orders VALUES (1, 1700000000);
            CREATE VIEW Few AS SELECT Id FROM Orders",
        )
        .unwrap();
    drop(database);
    good(
        &installation,
        &["data-source", "add", "shop", "shop.sqlite", "--storage-form", "Orders.At=unix-seconds"],
    );
    let options = || in_json(&installation, &["data-source", "show", "shop"])["options"].clone();
    assert_eq!(options()["storageForms"], r#"{"Orders":{"At":"unix-seconds"}}"#);
    good(&installation, &["data-source", "update", "shop", "--key", "Few=Id", "--description", "Sold"]);
    let shown = in_json(&installation, &["data-source", "show", "shop"]);
    assert_eq!((&shown["description"], &shown["entitySets"]), (&json!("Sold"), &json!(["Few", "Orders"])));
    assert_eq!(shown["options"]["storageForms"], r#"{"Orders":{"At":"unix-seconds"}}"#, "it stays");
    good(&installation, &["data-source", "update", "shop", "--no-storage-forms", "--no-keys"]);
    assert!(options().get("storageForms").is_none() && options().get("keys").is_none());
    let message =
        refused(&installation, &["data-source", "update", "shop", "--storage-form", "Orders.At=fortnights"]);
    assert!(message.contains("--storage-form ") && message.contains("fortnights"), "{message}");
    good(&installation, &["data-source", "update", "shop", "--name", "store"]);
    assert!(good(&installation, &["data-source", "reload", "store"]).contains("serves 1 tables"));

    good(&installation, &["user", "add", "ada", "--disabled", "--password-expires", "2030-12-31T00:00:00Z"]);
    let ada = in_json(&installation, &["user", "show", "ada"]);
    assert_eq!((&ada["state"], &ada["passwordExpiration"]), (&json!("off"), &json!("2030-12-31T00:00:00Z")));
    let update = [
        "user",
        "update",
        "ada",
        "--name",
        "lovelace",
        "--role",
        "Administrator",
        "--password-expires",
        "never",
    ];
    good(&installation, &update);
    let ada = in_json(&installation, &["user", "show", "lovelace"]);
    assert_eq!((&ada["roles"], &ada["passwordExpiration"]), (&json!(["Administrator"]), &Value::Null));
}

#[test]
fn allowed_applications_are_listed_and_revoked() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    client.code(&Wire::new(served.url()), &USER, &Random::new(7).verifier()).unwrap();
    drop(served);
    let allowed = in_json(&installation, &["allowed", "list", USER.name]);
    assert_eq!(
        (&allowed[0]["name"], &allowed[0]["scopes"]),
        (&json!("Reports"), &json!(["api.access.odata"]))
    );
    assert!(good(&installation, &["allowed", "list", USER.name]).contains("Reports"));
    assert!(
        refused(&installation, &["allowed", "revoke", ADMIN.name, "1", "--yes"]).contains("has not allowed")
    );
    good(&installation, &["allowed", "revoke", USER.name, "1", "--yes"]);
    assert_eq!(in_json(&installation, &["allowed", "list", USER.name]), json!([]));
}

#[test]
fn members_of_an_application_are_shown_and_faults_name_flags() {
    let installation = Installation::new(BINARY);
    register(&installation);
    let openid = r#"{"idTokenSignedResponseAlg":"ES256","default_max_age":60}"#;
    let name = r#"{"sanDns":"crane.example.org"}"#;
    let changed = ["application", "update", "1", "--openid", openid, "--tls-client-auth", name];
    let method = ["--token-endpoint-auth-method", "tls_client_auth"];
    let printed = good(&installation, &[&changed[..], &method].concat());
    assert!(printed.contains("warning: --token-endpoint-auth-method needs a certificate"), "{printed}");
    let shown = good(&installation, &["application", "show", "1"]);
    let line = shown.lines().find(|line| line.starts_with("openid ")).expect("a line");
    assert!(line.contains(r#""idTokenSignedResponseAlg":"ES256""#), "{line}");
    assert!(shown.contains("tokenEndpointAuthMethod tls_client_auth"), "{shown}");
    let members = in_json(&installation, &["application", "show", "1"]);
    assert_eq!(members["openid"]["defaultMaxAge"], 60);
    assert_eq!(members["tokenEndpointAuthMethod"], "tls_client_auth");
    for (policy, words) in [
        (r#"{"clients":["*"]}"#, "clients (number 1) in --token-exchange must be a client id"),
        (r#"{"clients":["*"]}"#, "--token-exchange allows nothing"),
        (r#"{"clients":[],"delegation":true}"#, "clients in --token-exchange must name the clients"),
    ] {
        let mut command = installation.command(&["application", "update", "1", "--token-exchange", policy]);
        let output = command.output().expect("the binary runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

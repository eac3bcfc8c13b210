//! Tests of the commands that add databases of PostgreSQL and MySQL servers.

use std::io::Write;
use std::process::Stdio;

use testkit::Installation;
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use url::Url;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Runs the command with a password on its standard input; whether it succeeded, and what it printed.
fn run(installation: &Installation, arguments: &[&str], hosts: &str, password: &str) -> (bool, String) {
    let mut command = installation.command(arguments);
    command.env("SLUICEGATE_DATA_SOURCES__ALLOWED_HOSTS", hosts);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("it is piped");
    writeln!(input, "{password}").expect("the command reads its input");
    drop(input);
    let output = child.wait_with_output().expect("the binary ends");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(printed).expect("it prints UTF-8"))
}

/// A kind of database server.
struct Kind {
    command: &'static str,
    /// How the name of the product and its version start.
    product: &'static str,
    /// An option of this kind with a value that changes nothing.
    option: &'static str,
}

/// Adds a database at this port with the table `ships` and the view `seen`, after two attempts that fail.
fn is_added(kind: &Kind, port: &str, database: &str, (user, password): (&str, &str)) {
    let installation = Installation::new(BINARY);
    let add = [
        "data-source",
        kind.command,
        "fleet",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--database-name",
        database,
        "--user",
        user,
        "--password-stdin",
        "--unencrypted",
        "--key",
        "seen=id",
    ];
    for (hosts, given, words) in [
        ("10.0.0.1", password, "the host is not among those that data sources may use"),
        ("127.0.0.1", "wrong", "the database server refused the user name or the password"),
    ] {
        let (success, printed) = run(&installation, &add, hosts, given);
        assert!(!success && printed.contains(words), "{printed}");
    }
    let (success, printed) = run(&installation, &add, "127.0.0.1", password);
    assert!(success && printed.contains("served at /api/odata4/fleet/"), "{printed}");
    let (success, printed) = run(&installation, &["data-source", "show", "fleet"], "127.0.0.1", "");
    assert!(success && printed.contains("served       seen, ships"), "{printed}");
    assert!(!printed.contains(password), "no command shows the password");

    let (success, printed) = run(&installation, &["data-source", "test", "fleet"], "127.0.0.1", "");
    assert!(success && printed.contains(&format!("server       {}", kind.product)), "{printed}");
    let (success, printed) = run(&installation, &["data-source", "test", "fleet"], "10.0.0.1", "");
    assert!(!success && printed.contains("(HostNotAllowed)"), "{printed}");
    let update = |arguments: &[&str], given: &str| {
        run(&installation, &[&["data-source", "update", "fleet"], arguments].concat(), "127.0.0.1", given)
    };
    let (success, printed) = update(&["--no-keys", "--option", kind.option], "");
    assert!(success, "{printed}");
    let (success, printed) = update(&["--option", "PortNumber=1", "--password-stdin"], password);
    assert!(!success && printed.contains("refused the connection"), "{printed}");
    let (success, printed) = update(&["--password-stdin"], "wrong");
    assert!(!success && printed.contains("refused the user name or the password"), "{printed}");
    let (success, printed) = update(&["--password-stdin"], password);
    assert!(success, "{printed}");
    let (_, printed) = run(&installation, &["data-source", "show", "fleet"], "127.0.0.1", "");
    assert!(printed.contains("served       ships") && printed.contains(kind.option), "{printed}");
}

const TABLES: &str = "CREATE TABLE ships (id integer PRIMARY KEY); CREATE VIEW seen AS SELECT id FROM ships";

#[test]
fn a_database_of_a_server_is_added_with_a_password_from_standard_input() {
    let database = PostgresServer::shared().create_database();
    database.run(TABLES);
    let url = Url::parse(&database.url()).expect("a URL");
    let port = url.port().expect("a port").to_string();
    let owner = (url.username(), url.password().expect("a password"));
    let kind = Kind { command: "add-postgres", product: "PostgreSQL 1", option: "Schemas=public" };
    is_added(&kind, &port, database.name(), owner);
}

#[test]
fn so_is_a_database_of_a_mariadb_server() {
    let database = MariaDbServer::shared().create_database();
    database.run(TABLES);
    let server = database.server();
    let kind = Kind { command: "add-mysql", product: "MariaDB 1", option: "EncryptionMethod=noEncryption" };
    is_added(&kind, &server.port().to_string(), database.name(), server.owner());
}

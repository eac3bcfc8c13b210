//! Tests of the demo as a new user runs it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use testkit::{Served, TestUser, Wire};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

fn demo(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().current_dir(folder).args(["demo", "--listen", "127.0.0.1:0"]).stdin(Stdio::null());
    command
}

fn auto(folder: &Path) -> Output {
    demo(folder).arg("--auto").output().expect("the binary runs")
}

#[test]
fn the_walkthrough_completes_and_can_be_repeated_in_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    for run in ["fresh", "again"] {
        let output = auto(folder.path());
        let message = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{run}: {message}{}", String::from_utf8_lossy(&output.stderr));
        for step in 1..=9 {
            assert!(message.contains(&format!("{step:2}. ")), "step {step} is missing in: {message}");
        }
        assert!(message.contains("401 Unauthorized"), "{message}");
    }
    assert!(folder.path().join("sluicegate-demo/sluicegate.db").exists());
}

#[test]
fn the_sample_database_never_overwrites_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = || {
        let mut command = Command::new(BINARY);
        command.env_clear().current_dir(folder.path()).args(["sample-data", "harbour.sqlite"]);
        command.output().expect("the binary runs")
    };
    assert!(write().status.success());
    let file = folder.path().join("harbour.sqlite");
    let ships = || {
        let database = rusqlite::Connection::open(&file).unwrap();
        database.query_row("SELECT count(*) FROM Ships", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(ships(), 320);
    let again = write();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("harbour.sqlite"), "{again:?}");
    assert_eq!(ships(), 320);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn it_serves_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(demo(folder.path()));
    while !served.printed().contains("clientSecret  ") {
        std::thread::yield_now();
    }
    assert_the_last_link_leads_to_a_page(&served);
    let (status, message) = served.terminate();
    assert_eq!(status.code(), Some(0), "{message}");
    assert!(message.contains("Now try it by hand"), "{message}");
    assert!(message.contains("d2cadmin") && message.contains("d2cuser"), "{message}");
}

/// Follows the link like a browser in which the user has signed in, and exchanges the code as the page says.
#[expect(clippy::unwrap_used, reason = "what the test cannot do without fails it")]
fn assert_the_last_link_leads_to_a_page(served: &Served) {
    let message = served.printed();
    let after = |label: &str| {
        let rest = message.split(label).nth(1).unwrap_or_else(|| panic!("{label} is missing in {message}"));
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let (password, client, secret) = (after("d2cuser  "), after("clientId  "), after("clientSecret  "));
    let wire = Wire::new(served.url());
    let link = after("allow it again  ");
    let path = link.strip_prefix(served.url()).unwrap();
    let user = TestUser { name: "d2cuser", password: Box::leak(password.into_boxed_str()) };
    let page = wire.get(path, Some(&user)).unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let denied = wire.get("/demo/callback?error=access_denied&error_description=No", None).unwrap();
    assert!(
        denied.body.contains("access_denied") && denied.body.contains("allow it again"),
        "{}",
        denied.body
    );
    let hostile = wire.get("/demo/callback?code=a%27%3Brm+-rf&state=%24(x)", None).unwrap();
    assert!(!hostile.body.contains("rm -rf") && !hostile.body.contains("$(x)"), "{}", hostile.body);
    let shown = wire.get(&format!("/demo/callback?code=sgc_a-B&state={client}"), None).unwrap();
    for part in [
        "sgc_a-B",
        &format!("curl -u {client} {}/oauth2/token", served.url()),
        "/demo/callback",
        "Ships?$top=5",
    ] {
        assert!(shown.body.contains(part), "{part} is missing in {}", shown.body);
    }
    assert!(!shown.body.contains(&secret), "no page shows the secret");
}

#[test]
fn a_half_initialised_folder_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("sluicegate-demo/unfinished-init")).unwrap();
    let output = auto(folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("half initialised"));
}

#[test]
fn a_folder_that_cannot_be_written_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    // A file in the place of the folder stops every user, even root.
    std::fs::write(folder.path().join("sluicegate-demo"), "").unwrap();
    let output = auto(folder.path());
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("is a file, not a folder") && message.contains("--data-dir"), "{message}");
}

#[test]
fn the_demo_refuses_another_installation() {
    let installation = testkit::Installation::new(BINARY);
    let output = installation.command(&["demo", "--auto", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a demo"));
    let served = installation.serve();
    let answer = testkit::Wire::new(served.url()).get("/api/admin/users", Some(&testkit::ADMIN)).unwrap();
    assert_eq!(answer.status.as_u16(), 200);
}

#[test]
fn the_demo_listens_only_on_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().current_dir(folder.path()).args(["demo", "--auto", "--listen", "0.0.0.0:0"]);
    let output = command.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("stays on this machine"), "{message}");
    assert!(!message.contains("--tls-cert"), "{message}");
    assert!(!folder.path().join("sluicegate-demo").exists());
}

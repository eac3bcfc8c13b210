//! Chromium as a separate process, controlled through its debugging protocol.
//!
//! Over a pair of pipes the protocol is JSON followed by a zero byte, so it needs no WebSocket. The published
//! drivers bring more than a hundred crates for what this file does.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser reads from descriptor 3 and writes to descriptor 4; a shell connects them to the standard
/// streams of the child.
const ON_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;

/// Far more than one of our pages needs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running browser with one page.
pub(crate) struct Chromium {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    session: Option<String>,
    last_id: u64,
    profile: TempDir,
}

impl Chromium {
    /// Starts a browser with an empty profile, and opens an empty page.
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let said = std::fs::File::create(profile.path().join("said")).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ON_PIPES]).arg(installed("CLIENTS_CHROMIUM"));
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ]);
        command.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
        command.args([
            "--disable-sync",
            "--disable-breakpad",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        // Other files that it stores are deleted with the profile.
        command.env("HOME", profile.path()).env("TMPDIR", profile.path()).stderr(said);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let messages = listen(child.stdout.take().unwrap());
        let mut browser =
            Self { child, input, messages, events: Vec::new(), session: None, last_id: 0, profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        browser.attach(target["targetId"].as_str().unwrap());
        browser
    }

    /// Calls a method and returns its result; an error fails the test.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.try_call(method, parameters).unwrap_or_else(|refused| panic!("{method}: {refused}"))
    }

    /// Calls a method and returns its result, or the error.
    pub(crate) fn try_call(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(message.to_string().as_bytes()).unwrap();
        self.input.write_all(&[0]).unwrap();
        loop {
            let mut answer = self.receive(method);
            if answer["id"] == self.last_id {
                return if answer["error"].is_null() { Ok(answer["result"].take()) } else { Err(answer) };
            }
            self.events.push(answer);
        }
    }

    /// The open pages, by their targets.
    pub(crate) fn windows(&mut self) -> Vec<String> {
        let session = self.session.take();
        let mut answer = self.call("Target.getTargets", &json!({}));
        self.session = session;
        let targets = answer["targetInfos"].take();
        let pages = targets.as_array().into_iter().flatten().filter(|target| target["type"] == "page");
        pages.filter_map(|target| Some(target["targetId"].as_str()?.to_owned())).collect()
    }

    /// Attaches to another page; returns the way back to the previous one.
    pub(crate) fn attach(&mut self, target: &str) -> Option<String> {
        let before = self.session.take();
        let attached = self.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Log", "Runtime"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
        before
    }

    /// Returns to a page.
    pub(crate) fn resume(&mut self, session: Option<String>) {
        self.session = session;
    }

    /// The number of events so far.
    pub(crate) fn events_so_far(&self) -> usize {
        self.events.len()
    }

    /// Waits for the first event after number `from` that is wanted.
    pub(crate) fn event_after(&mut self, from: usize, wanted: impl Fn(&Value) -> bool) -> usize {
        let mut at = from;
        loop {
            while let Some(event) = self.events.get(at) {
                if wanted(event) {
                    return at;
                }
                at += 1;
            }
            let event = self.receive("an event");
            self.events.push(event);
        }
    }

    /// The event with this number.
    pub(crate) fn event(&self, at: usize) -> &Value {
        &self.events[at]
    }

    /// All events of one kind so far, with their parameters.
    pub(crate) fn events(&self, method: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["method"] == method).map(|event| &event["params"])
    }

    fn receive(&self, purpose: &str) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let said = std::fs::read_to_string(self.profile.path().join("said")).unwrap_or_default();
            let last: Vec<&Value> = self.events.iter().rev().take(5).collect();
            panic!("Chromium does not answer {purpose}: {last:?}\n{said}")
        })
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // A browser that is asked to close ends its own processes, which would otherwise still write into the
        // profile.
        self.session = None;
        let close = json!({"id": self.last_id + 1, "method": "Browser.close"}).to_string();
        let _ = self.input.write_all(close.as_bytes()).and_then(|()| self.input.write_all(&[0]));
        // The pipe closes when it ends.
        while self.messages.recv_timeout(PATIENCE).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The last of its processes may outlive it briefly.
        let gone = (0..100_000).any(|_| std::fs::remove_dir_all(self.profile.path()).is_ok());
        assert!(gone || std::thread::panicking(), "the browser leaves its profile behind");
    }
}

fn listen(output: impl Read + Send + 'static) -> Receiver<Value> {
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(output).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else { continue };
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    messages
}

/// The location of something that `cargo xtask test` has installed.
#[expect(clippy::disallowed_methods, reason = "the test runner says where it installed the browser")]
pub(crate) fn installed(variable: &str) -> PathBuf {
    let place = std::env::var_os(variable);
    place.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask test`")).into()
}

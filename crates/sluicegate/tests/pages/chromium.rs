//! Chromium as a process of its own, spoken to in its debugging protocol.
//!
//! Over a pair of pipes the protocol is JSON with a zero byte at the end, so it needs no WebSocket. The published drivers
//! bring more than a hundred crates for what is here.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser reads from descriptor 3 and writes to descriptor 4, which a shell can make of a child's standard ones.
const ON_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;

/// Far more than a page of ours takes on a busy machine.
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
    /// Starts a browser that has never been anywhere, and opens an empty page.
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
        // What it keeps for itself elsewhere goes with the profile.
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

    /// Calls a method and answers its result; a refusal fails the test.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.try_call(method, parameters).unwrap_or_else(|refused| panic!("{method}: {refused}"))
    }

    /// Calls a method and answers its result, or the answer that refuses it.
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

    /// The pages that are open, by their targets.
    pub(crate) fn windows(&mut self) -> Vec<String> {
        let session = self.session.take();
        let mut answer = self.call("Target.getTargets", &json!({}));
        self.session = session;
        let targets = answer["targetInfos"].take();
        let pages = targets.as_array().into_iter().flatten().filter(|target| target["type"] == "page");
        pages.filter_map(|target| Some(target["targetId"].as_str()?.to_owned())).collect()
    }

    /// Speaks with another page from now on; answers what leads back to the one before.
    pub(crate) fn attach(&mut self, target: &str) -> Option<String> {
        let before = self.session.take();
        let attached = self.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Log", "Runtime"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
        before
    }

    /// Goes back to a page.
    pub(crate) fn resume(&mut self, session: Option<String>) {
        self.session = session;
    }

    /// How many events have come so far.
    pub(crate) fn events_so_far(&self) -> usize {
        self.events.len()
    }

    /// The first event after the `from`-th that is wanted; waits for it.
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

    /// An event by its number.
    pub(crate) fn event(&self, at: usize) -> &Value {
        &self.events[at]
    }

    /// The events so far of one kind, with their parameters.
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
        // Asked to close, it ends its own processes, which would else go on writing into the profile.
        self.session = None;
        let close = json!({"id": self.last_id + 1, "method": "Browser.close"}).to_string();
        let _ = self.input.write_all(close.as_bytes()).and_then(|()| self.input.write_all(&[0]));
        // Its end closes the pipe.
        while self.messages.recv_timeout(PATIENCE).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The last of its processes may outlive it by a moment.
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

/// Where `cargo xtask test` has put something.
#[expect(clippy::disallowed_methods, reason = "the test runner says where it installed the browser")]
pub(crate) fn installed(variable: &str) -> PathBuf {
    let place = std::env::var_os(variable);
    place.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask test`")).into()
}

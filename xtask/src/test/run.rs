//! Running test programs, several at once, each with a limit for the time without news.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, PipeReader};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::Request;
use super::targets::Target;
use super::totals::{Slow, Totals};
use crate::process;

/// A program in which no test ends for this long is stopped: it would never end. The longest test takes two to three
/// minutes.
const SILENCE: Duration = Duration::from_mins(10);

/// Runs all programs, as many at once as there are cores. The output of a program is printed when it has ended, so
/// that programs do not mix their lines.
pub(super) fn all(request: &Request, targets: Vec<Target>) -> Result<Totals> {
    let waiting = Mutex::new(VecDeque::from(targets));
    let totals = Mutex::new(Totals::default());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || -> Result<()> {
        while let Some(target) = next() {
            let mut command = process::command(&target.program, &target.folder);
            command.env("CARGO_MANIFEST_DIR", &target.folder).args(&request.filter);
            let ended = run(&mut command, request, &target.name, SILENCE)?;
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            println!("\n── {}\n{}", target.name, ended.printed);
            totals.add(&ended.totals);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..thread::available_parallelism()?.get()).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    Ok(totals.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Runs the examples in documentation.
pub(super) fn document_tests(request: &Request, root: &Path) -> Result<Totals> {
    let mut cargo = request.cargo(root);
    if request.covers_programs() {
        cargo.arg("--doc");
    }
    cargo.args(["--no-fail-fast", "--"]).args(&request.filter);
    let ended = run(&mut cargo, request, "documentation", SILENCE)?;
    println!("\n── documentation\n{}", ended.printed);
    Ok(ended.totals)
}

/// What a program printed and reported.
#[derive(Debug)]
struct Finished {
    printed: String,
    totals: Totals,
}

/// Runs a program to its end, or stops it after this time without a line.
fn run(command: &mut Command, request: &Request, name: &str, silence: Duration) -> Result<Finished> {
    let (reader, writer) = std::io::pipe()?;
    command.envs(request.clients.iter().map(|(variable, path)| (variable, path)));
    let child = command.stdout(writer.try_clone()?).stderr(writer).spawn();
    let mut child = child.with_context(|| format!("cannot start {name}"))?;
    // The command holds the other end of the pipe; without it, the pipe would never close.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut finished = Finished { printed: String::new(), totals: Totals::default() };
    let success = follow(&mut child, reader, silence, &mut finished)?;
    if !success {
        finished.totals.failed_targets.push(name.to_owned());
    }
    Ok(finished)
}

/// Collects the lines of a program until it has ended. Returns whether it ended well.
fn follow(child: &mut Child, reader: PipeReader, silence: Duration, finished: &mut Finished) -> Result<bool> {
    let (sender, lines) = mpsc::channel();
    // This thread ends with the pipe, which a process that the program left behind may keep open.
    thread::spawn(move || {
        let lines = BufReader::new(reader).split(b'\n').map_while(Result::ok);
        let _ = lines
            .map(|line| String::from_utf8_lossy(&line).into_owned())
            .try_for_each(|line| sender.send(line));
    });
    let mut slow = Slow::default();
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) => {
                slow.follow(&line);
                finished.totals.add_line(&line);
                finished.printed.push_str(&line);
                finished.printed.push('\n');
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(child.wait()?.success()),
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                let minutes = silence.as_secs() / 60;
                let stopped = format!(
                    "stopped: nothing happened for {minutes} minutes; still running: {}\n",
                    slow.names()
                );
                finished.printed.push_str(&stopped);
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, silence: Duration) -> Finished {
        let request = Request::new(&[], Vec::new());
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(&mut command, &request, "shell", silence).unwrap()
    }

    #[test]
    fn what_a_program_prints_is_kept_and_counted() {
        let script =
            "echo to stdout; echo to stderr >&2; echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        let finished = shell(script, SILENCE);
        assert!(finished.printed.starts_with("to stdout\nto stderr\n"), "{}", finished.printed);
        assert_eq!(finished.totals, Totals { passed: 2, ..Totals::default() });
    }

    #[test]
    fn a_program_that_fails_without_a_summary_is_a_failure() {
        assert_eq!(shell("exit 101", SILENCE).totals.failed_targets, ["shell"]);
    }

    #[test]
    fn a_program_in_which_nothing_happens_is_stopped_and_its_slow_tests_are_named() {
        let script = "echo 'test a::hangs has been running for over 60 seconds'; exec sleep 3600";
        let finished = shell(script, Duration::from_millis(500));
        assert!(finished.printed.ends_with("still running: a::hangs\n"), "{}", finished.printed);
        assert_eq!(finished.totals.failed_targets, ["shell"]);
    }
}

//! Instructions of a request, counted instead of timed: the same on a busy machine as on a quiet one.
//!
//! The server runs under callgrind, which counts what it does in user space. What the kernel does for it is not counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Kind, WORKLOADS, Workload, fixture_scripts, odata_of, repeat, scripts};
use crate::Options;
use crate::call::Connection;
use crate::fixture::{Fixture, RULED, SOURCE};
use crate::load::Script;
use crate::report::Report;

/// Requests that are sent before those that are counted, so that whatever is remembered is remembered.
const UNCOUNTED: usize = 50;
const COUNTED: usize = 300;

/// Counts the instructions of each workload that `options` ask for, on one connection.
pub(crate) async fn run(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    let counts = Counts { folder: folder.join("callgrind"), kept: options.keep.as_deref() };
    fs::create_dir_all(&counts.folder)?;
    counts.kept.map_or(Ok(()), fs::create_dir_all)?;
    let program = fs::canonicalize(options.programs.join("sluicegate"))?;
    let fixture = Fixture::set_up(&counts.wrap(&program)?, folder, None).await?;
    fixture.wait_for_signing_keys().await?;
    let mut done = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| options.wants(workload.name)) {
        if workload.kind != Kind::Rows10000 && !done.contains(&workload.name) {
            done.push(workload.name);
            let counted = counts.count(&fixture, workload).await;
            let counted = counted.with_context(|| format!("workload {}", workload.name))?;
            report.fact(&title(workload), &format!("{counted} instructions a request"));
        }
    }
    Ok(())
}

fn title(workload: &Workload) -> String {
    match workload.kind {
        Kind::Top100 | Kind::RuledTop100 => workload.title.replace("$top=100", "$top=20"),
        _ => workload.title.to_owned(),
    }
}

/// A page is shorter here: a slowed server would hand a longer one to a worker.
async fn script(fixture: &Fixture, workload: &Workload) -> Result<Box<dyn Script>> {
    let mut scripts = match workload.kind {
        Kind::Top100 | Kind::RuledTop100 => {
            let token = fixture.service_token().await?;
            let source = if workload.kind == Kind::Top100 { SOURCE } else { RULED };
            repeat(&odata_of(source, &token, &["readings?$top=20".to_owned()], None)?, 1)
        }
        Kind::CodeExchange => scripts::Queue::shared(scripts::codes(fixture, UNCOUNTED + COUNTED).await?, 1),
        _ => {
            fixture_scripts(fixture, &Workload { connections: 1, ..*workload }, std::time::Duration::ZERO)
                .await?
        }
    };
    scripts.pop().context("the workload has no script")
}

/// Where callgrind writes what it counts.
struct Counts<'a> {
    folder: PathBuf,
    /// Where the files are kept; `None` if they are not.
    kept: Option<&'a Path>,
}

impl Counts<'_> {
    /// A program that runs `program` under callgrind, with its own process id.
    fn wrap(&self, program: &Path) -> Result<PathBuf> {
        let wrapper = self.folder.join("counted");
        let (out, program) = (self.folder.join("out"), program.display());
        let text = format!(
            "#!/bin/sh\nexec valgrind --quiet --tool=callgrind --instr-atstart=no \
             --callgrind-out-file='{}.%p' '{program}' \"$@\"\n",
            out.display()
        );
        fs::write(&wrapper, text)?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o700))?;
        Ok(wrapper)
    }

    async fn count(&self, fixture: &Fixture, workload: &Workload) -> Result<u64> {
        let mut script = script(fixture, workload).await?;
        fixture.server.wait_for_end_of_maintenance().await?;
        let mut connection = Connection::open(fixture.server.address).await?;
        send(&mut connection, &mut *script, UNCOUNTED).await?;
        control(fixture, &["--instr=on"])?;
        control(fixture, &["--zero"])?;
        send(&mut connection, &mut *script, COUNTED).await?;
        control(fixture, &["--dump"])?;
        control(fixture, &["--instr=off"])?;
        Ok(self.take(workload.name)? / COUNTED as u64)
    }

    /// What the dumps hold, which are removed or kept under the name of the workload.
    fn take(&self, workload: &str) -> Result<u64> {
        let mut sum = 0;
        for (number, entry) in fs::read_dir(&self.folder)?.enumerate() {
            let path = entry?.path();
            if let Some(total) = total(&fs::read_to_string(&path)?) {
                sum += total;
                if let Some(kept) = self.kept {
                    fs::copy(&path, kept.join(format!("{workload}.{number}")))?;
                }
                fs::remove_file(&path)?;
            }
        }
        if sum == 0 {
            bail!("callgrind counted nothing in {}", self.folder.display());
        }
        Ok(sum)
    }
}

async fn send(connection: &mut Connection, script: &mut dyn Script, requests: usize) -> Result<()> {
    for _ in 0..requests {
        let call = script.next().context("the workload has too few requests")?;
        script.answered(&connection.send(call).await?)?;
    }
    Ok(())
}

/// Tells callgrind what to do with the server.
fn control(fixture: &Fixture, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("callgrind_control");
    command.args(arguments).arg(fixture.server.pid().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    if !command.status().context("cannot start callgrind_control")?.success() {
        bail!("callgrind_control {arguments:?} failed");
    }
    Ok(())
}

/// The sum of all instructions in a file of callgrind.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_parsed_from_its_line() {
        assert_eq!(total("events: Ir\nfn=(1) main\n16 4\ntotals: 1234\n"), Some(1234));
        assert_eq!(total("#!/bin/sh\n"), None);
    }
}

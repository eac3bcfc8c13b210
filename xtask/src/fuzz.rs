//! `cargo xtask fuzz`: runs the fuzz targets with coverage feedback.
//!
//! The coverage that libFuzzer needs comes from LLVM, which the stable compiler contains, so no other toolchain is
//! needed. A run starts from the inputs in `fuzz/corpus`, and keeps new ones out of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::{process, workspace};

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET] [--seconds N]

  TARGET        one target of fuzz/fuzz_targets (default: all, one after the other)
  --seconds N   how long each target runs (default 60)";

/// Enough to notice a target that fails on its corpus or on simple variations of it.
const SMOKE_RUNS: u32 = 5_000;
/// The most seconds of a target in the smoke run.
const SMOKE_SECONDS: u32 = 10;

/// The instrumentation: a counter for each edge, the table of edges, and the operands of comparisons.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The arguments.
#[derive(Debug, PartialEq)]
struct Fuzz {
    target: Option<String>,
    seconds: u32,
}

impl Fuzz {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut fuzz = Self { target: None, seconds: 60 };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--seconds" => {
                    let value =
                        rest.next().with_context(|| format!("--seconds needs a number\n\n{USAGE}"))?;
                    fuzz.seconds =
                        value.parse().with_context(|| format!("--seconds is a whole number, not {value}"))?;
                }
                name if !name.starts_with('-') && fuzz.target.is_none() => {
                    fuzz.target = Some(name.to_owned());
                }
                _ => bail!("unknown argument {argument}\n\n{USAGE}"),
            }
        }
        Ok(fuzz)
    }
}

/// Runs one target or all of them for a chosen time.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if matches!(arguments, [help] if help == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    let fuzz = Fuzz::parse(arguments)?;
    let root = workspace::root();
    let mut names = targets(&root)?;
    if let Some(target) = &fuzz.target {
        names.retain(|name| name == target);
        if names.is_empty() {
            bail!("there is no target {target} in fuzz/fuzz_targets");
        }
    }
    let programs = build(&root)?;
    for name in names {
        println!("── {name}");
        fuzz_target(&root, &programs, &name, &[format!("-max_total_time={}", fuzz.seconds)])?;
    }
    Ok(())
}

/// Builds all targets, and runs each shortly from its corpus, as many at once as there are cores.
pub(crate) fn smoke() -> Result<()> {
    let root = workspace::root();
    let (programs, names) = (build(&root)?, targets(&root)?);
    let limits = [
        format!("-runs={SMOKE_RUNS}"),
        format!("-max_total_time={SMOKE_SECONDS}"),
        "-seed=1".to_owned(),
        "-verbosity=0".to_owned(),
    ];
    let threads = thread::available_parallelism()?.get();
    let run_each = |first| {
        let mut names = names.iter().skip(first).step_by(threads);
        names.try_for_each(|name| fuzz_target(&root, &programs, name, &limits))
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(move || run_each(first))).collect();
        let panicked = |_| anyhow!("a thread panicked");
        running.into_iter().try_for_each(|thread| thread.join().map_err(panicked)?)
    })
}

/// The names of the targets, in order.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Compiles the targets with instrumentation, and returns the folder of the programs. A target triple keeps the
/// instrumentation out of build scripts.
fn build(root: &Path) -> Result<PathBuf> {
    let compiler = process::output(process::command("rustc", root).arg("-vV"))?;
    let host =
        compiler.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let mut cargo = process::command("cargo", root);
    cargo.args(["build", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    process::run(cargo.args(["--target-dir", "target/fuzz"]).env("RUSTFLAGS", INSTRUMENTATION))?;
    Ok(root.join("target/fuzz").join(host).join("debug"))
}

/// Runs a target. The input of a failure is kept in `target/fuzz`, and the error names it.
fn fuzz_target(root: &Path, programs: &Path, name: &str, limits: &[String]) -> Result<()> {
    let corpus = root.join("fuzz/corpus").join(name);
    if fs::read_dir(&corpus).is_ok_and(|mut files| files.next().is_some()) {
        let found = root.join("target/fuzz/found").join(name);
        fs::create_dir_all(&found)?;
        let artifacts = format!("-artifact_prefix={}/{name}-", root.join("target/fuzz").display());
        let mut program = process::command(programs.join(name), root);
        program.args(limits).args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", &artifacts]);
        return process::run(program.arg(found).arg(corpus));
    }
    bail!("fuzz/corpus/{name} has no inputs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Fuzz> {
        Fuzz::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_target_and_a_time_can_be_chosen() {
        assert_eq!(parse(&[]).unwrap(), Fuzz { target: None, seconds: 60 });
        let chosen = Fuzz { target: Some("oauth_token".to_owned()), seconds: 5 };
        assert_eq!(parse(&["oauth_token", "--seconds", "5"]).unwrap(), chosen);
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["a", "b"], &["--runs", "1"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_has_a_corpus() {
        let root = workspace::root();
        for name in targets(&root).unwrap() {
            assert!(fs::read_dir(root.join("fuzz/corpus").join(&name)).unwrap().next().is_some(), "{name}");
        }
    }
}

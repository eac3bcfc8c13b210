//! `cargo xtask soak`: runs the cluster test for a chosen time, and prints its figures.

use anyhow::{Context, Result, bail};

use crate::{installation, process, test, workspace};

const USAGE: &str = "\
Usage: cargo xtask soak [--minutes N] [--seed S]

  --minutes N   how long faults follow one another (default 10)
  --seed S      makes the choices of an earlier run again (default: a new seed, which is printed)";

/// The arguments.
#[derive(Debug, PartialEq)]
struct Soak {
    minutes: u64,
    seed: Option<u64>,
}

impl Soak {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut soak = Self { minutes: 10, seed: None };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let number = || -> Result<u64> {
                let value =
                    rest.clone().next().with_context(|| format!("{name} needs a number\n\n{USAGE}"))?;
                value.parse().with_context(|| format!("{name} is a whole number, not {value}"))
            };
            match name.as_str() {
                "--minutes" => soak.minutes = number()?,
                "--seed" => soak.seed = Some(number()?),
                _ => bail!("unknown argument {name}\n\n{USAGE}"),
            }
            rest.next();
        }
        Ok(soak)
    }
}

/// Runs the test with its output on the terminal.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if matches!(arguments, [help] if help == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    let soak = Soak::parse(arguments)?;
    let root = workspace::root();
    installation::provide(test::DATABASE_TOOLS, &root)?;
    let mut cargo = process::command("cargo", &root);
    cargo.args(["test", "--locked", "--package", "sluicegate", "--test", "cluster", "--", "--nocapture"]);
    cargo.env("CLUSTER_SECS", (soak.minutes * 60).to_string());
    if let Some(seed) = soak.seed {
        cargo.env("CLUSTER_SEED", seed.to_string());
    }
    process::run(&mut cargo)
}

#[cfg(test)]
mod tests {
    use super::Soak;

    fn parse(line: &str) -> anyhow::Result<Soak> {
        Soak::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn length_and_seed_are_parsed() {
        assert_eq!(parse("").unwrap(), Soak { minutes: 10, seed: None });
        assert_eq!(parse("--seed 7 --minutes 90").unwrap(), Soak { minutes: 90, seed: Some(7) });
    }

    #[test]
    fn invalid_and_unknown_arguments_are_reported() {
        for (line, expected) in
            [("--minutes", "needs"), ("--seed x", "whole number"), ("--hours 1", "unknown")]
        {
            let error = format!("{:#}", parse(line).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}

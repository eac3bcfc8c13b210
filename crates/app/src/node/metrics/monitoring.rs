//! Tests: the alerts and the dashboard below `deploy` name metrics, labels and values that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::latency::AREAS;
use super::*;

const ALERTS: &str = include_str!("../../../../../deploy/chart/files/alerts.yml");
const DASHBOARD: &str = include_str!("../../../../../deploy/chart/files/dashboard.json");

/// Labels that Prometheus adds to each metric.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// The labels of each metric, by its name in queries.
type Known = BTreeMap<String, BTreeSet<String>>;

/// Every metric of the server, after each counter with labels has counted once.
fn known() -> Known {
    let metrics = Metrics::default();
    let (outcome, grant) = (Word("x"), Word("x"));
    for counters in [
        &metrics.introspections,
        &metrics.bearer_checks,
        &metrics.sign_ins,
        &metrics.refresh_replays,
        &metrics.logout_deliveries,
        &metrics.external_signatures,
        &metrics.audit_throttled,
        &metrics.mails,
        &metrics.forgotten_passwords,
    ] {
        counters.inc(OutcomeLabels { outcome });
    }
    metrics.tokens.inc(GrantLabels { grant, outcome });
    metrics.stale_checks.inc(PathLabels { path: Word("x") });
    metrics.account_locks.inc(LockLabels { network: Word("x") });
    metrics.mcp_tool_calls.inc(ToolLabels { tool: Word("x"), outcome });
    metrics.requests.inc(RequestLabels { area: Word("x"), status: Word("x") });
    let mut known = Known::from([("up".to_owned(), BTreeSet::new())]);
    for line in metrics.encode().lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a name and a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        known.entry(name.to_owned()).or_default().extend(labels);
    }
    known
}

/// What an expression names, found by its form: it is not parsed. `promtool` parses it in another test.
#[derive(Default)]
struct Named {
    metrics: BTreeSet<String>,
    labels: BTreeSet<String>,
    /// Values to which labels are compared.
    values: BTreeSet<(String, String)>,
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

impl Named {
    fn of(expression: &str) -> Self {
        let mut named = Self::default();
        for (at, _) in expression.match_indices("sluicegate_").chain(expression.match_indices("up{")) {
            if !expression[..at].ends_with(is_of_name) {
                let name: String = expression[at..].chars().take_while(|next| is_of_name(*next)).collect();
                named.metrics.insert(name);
            }
        }
        for matchers in expression.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            for matcher in matchers.split(',') {
                let (label, value) = matcher.split_once('=').expect("a label and a value");
                named.labels.insert(label.trim_end_matches('!').to_owned());
                let value = value.trim_start_matches('~').trim_matches('"');
                let values = value.split('|').filter(|value| !value.starts_with('$'));
                named.values.extend(values.map(|value| (label.to_owned(), value.to_owned())));
            }
        }
        for group in expression.split(" by (").skip(1).filter_map(|rest| rest.split(')').next()) {
            named.labels.extend(group.split(',').map(|label| label.trim().to_owned()));
        }
        named
    }
}

/// The expressions and, of the dashboard, the names of their lines.
fn expressions() -> Vec<String> {
    let alerts = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut found: Vec<String> = alerts.map(str::to_owned).collect();
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).expect("JSON");
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().expect("an expression");
            let mut legend = target["legendFormat"].as_str().expect("a legend");
            // A label that a legend shows is one by which the expression groups.
            let mut shown = String::new();
            while let Some((_, rest)) = legend.split_once("{{") {
                let (label, rest) = rest.split_once("}}").expect("the end of a label");
                let _ = write!(shown, " by ({label})");
                legend = rest;
            }
            found.push(format!("{expression}{shown}"));
        }
    }
    let variable = dashboard["templating"]["list"][1]["query"]["query"].as_str().expect("the nodes");
    found.push(variable.to_owned());
    found
}

/// Whether a word is written somewhere in the program, where it becomes the value of a label.
fn is_written(word: &str) -> bool {
    fn search(folder: &Path, text: &str) -> bool {
        std::fs::read_dir(folder).expect("a folder").any(|entry| {
            let path = entry.expect("an entry").path();
            match path.extension() {
                _ if path.is_dir() => search(&path, text),
                Some(extension) if extension == "rs" && !path.ends_with("metrics/monitoring.rs") => {
                    std::fs::read_to_string(&path).is_ok_and(|source| source.contains(text))
                }
                _ => false,
            }
        })
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    ["app/src", "domain/src", "web/src"].iter().any(|of| search(&crates.join(of), &format!("\"{word}\"")))
}

#[test]
fn alerts_and_dashboard_name_what_exists() {
    let known = known();
    let expressions = expressions();
    assert!(expressions.len() > 50, "{}", expressions.len());
    for expression in &expressions {
        let named = Named::of(expression);
        assert!(!named.metrics.is_empty(), "{expression} names no metric");
        let mut labels = BTreeSet::from(OF_PROMETHEUS.map(str::to_owned));
        for metric in &named.metrics {
            labels.extend(
                known.get(metric).unwrap_or_else(|| panic!("there is no {metric}: {expression}")).clone(),
            );
        }
        for label in &named.labels {
            assert!(labels.contains(label), "{label} is no label of {:?}: {expression}", named.metrics);
        }
        for (label, value) in &named.values {
            match label.as_str() {
                "job" => assert_eq!(value, "sluicegate", "{expression}"),
                "area" => assert!(AREAS.contains(&value.as_str()), "{expression}"),
                _ => assert!(is_written(value), "{label} is never {value}: {expression}"),
            }
        }
    }
}

#[test]
fn every_metric_is_in_the_dashboard_or_in_an_alert() {
    let used: BTreeSet<String> =
        expressions().iter().flat_map(|expression| Named::of(expression).metrics).collect();
    for name in known().keys() {
        let is_part =
            ["_sum", "_count"].iter().any(|part| name == &format!("sluicegate_request_seconds{part}"));
        assert!(is_part || used.contains(name), "{name}");
    }
}

#[test]
fn names_in_expressions_are_found() {
    let named =
        Named::of("sum by (le, area) (rate(sluicegate_a_b{area=~\"x|$y\",z!=\"w\"}[5m])) / my_sluicegate_c");
    assert_eq!(named.metrics.into_iter().collect::<Vec<_>>(), ["sluicegate_a_b"]);
    assert_eq!(named.labels.into_iter().collect::<Vec<_>>(), ["area", "le", "z"]);
    assert!(named.values.contains(&("area".to_owned(), "x".to_owned())));
}

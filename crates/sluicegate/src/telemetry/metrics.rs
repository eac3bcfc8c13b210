//! The metrics as a message of OTLP
//! ([`metrics.proto`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto)).
//!
//! The metrics are read from the text that `/metrics` serves, so that both say the same.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use serde_json::{Value, json};

use super::{SCOPE, nanos, text};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// The message for metrics in the text format of `OpenMetrics`. What it says was counted since the start.
pub(super) fn message(metrics: &str, resource: &Value, started: Timestamp, now: Timestamp) -> Value {
    let times = Times { started: nanos(started), now: nanos(now) };
    let described: Vec<Value> = families(metrics).iter().map(|family| family.described(&times)).collect();
    json!({
        "resourceMetrics": [{
            "resource": resource,
            "scopeMetrics": [{ "scope": { "name": SCOPE }, "metrics": described }],
        }],
    })
}

struct Times {
    started: String,
    now: String,
}

/// A metric with all its samples.
#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    help: &'a str,
    samples: Vec<Sample<'a>>,
}

/// A line of the text.
struct Sample<'a> {
    /// What the name of the line has behind that of the metric, such as `_total`.
    suffix: &'a str,
    labels: Vec<(&'a str, String)>,
    value: &'a str,
}

/// Reads the text. A family begins with its comments, `HELP` first.
fn families(text: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            families.push(Family { name, help: help.trim_end_matches('.'), ..Family::default() });
        } else if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            if let Some(family) = families.last_mut() {
                family.kind = kind;
            }
        } else if let (Some(family), false) = (families.last_mut(), line.starts_with('#')) {
            family.samples.extend(sample(line, family.name));
        }
    }
    families.retain(|family| !family.samples.is_empty());
    families
}

fn sample<'a>(line: &'a str, family: &str) -> Option<Sample<'a>> {
    let rest = line.strip_prefix(family)?;
    let (suffix, labels, value) = if let Some((suffix, rest)) = rest.split_once('{') {
        let (labels, value) = labels(rest)?;
        (suffix, labels, value)
    } else {
        let (suffix, value) = rest.split_once(' ')?;
        (suffix, Vec::new(), value)
    };
    Some(Sample { suffix, labels, value: value.trim() })
}

/// Reads `name="value",…}`, and returns also what follows.
fn labels(text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    let mut rest = text;
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name, value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// Reads a text up to its closing quote, and returns also what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            other => value.push(other),
        }
    }
    None
}

impl Family<'_> {
    fn described(&self, times: &Times) -> Value {
        let name = if self.kind == "info" { format!("{}_info", self.name) } else { self.name.to_owned() };
        let mut described = json!({ "name": name, "description": self.help });
        let points = || -> Vec<Value> { self.samples.iter().map(|sample| sample.point(times)).collect() };
        match self.kind {
            "counter" => {
                described["sum"] = json!({
                    "aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points()
                });
            }
            "histogram" => {
                described["unit"] = json!("s");
                described["histogram"] =
                    json!({ "aggregationTemporality": CUMULATIVE, "dataPoints": self.distributions(times) });
            }
            _ => described["gauge"] = json!({ "dataPoints": points() }),
        }
        described
    }

    /// One data point for each set of labels of a histogram.
    fn distributions(&self, times: &Times) -> Vec<Value> {
        let mut by_labels: BTreeMap<Vec<(&str, String)>, Distribution> = BTreeMap::new();
        for sample in &self.samples {
            let mut labels = sample.labels.clone();
            let bound = labels.iter().position(|(name, _)| *name == "le").map(|at| labels.remove(at).1);
            let distribution = by_labels.entry(labels).or_default();
            match (sample.suffix, bound) {
                ("_sum", _) => distribution.sum = sample.value.parse().unwrap_or_default(),
                ("_count", _) => distribution.count = sample.whole(),
                (_, Some(bound)) => distribution.add_bucket(&bound, sample.whole()),
                _ => {}
            }
        }
        by_labels.iter().map(|(labels, distribution)| distribution.point(labels, times)).collect()
    }
}

impl Sample<'_> {
    fn whole(&self) -> u64 {
        self.value.parse().unwrap_or_default()
    }

    fn point(&self, times: &Times) -> Value {
        let mut point = json!({
            "attributes": attributes(&self.labels),
            "startTimeUnixNano": times.started,
            "timeUnixNano": times.now,
        });
        match self.value.parse::<i64>() {
            Ok(number) => point["asInt"] = json!(number.to_string()),
            Err(_) => point["asDouble"] = json!(self.value.parse::<f64>().unwrap_or_default()),
        }
        point
    }
}

fn attributes(labels: &[(&str, String)]) -> Vec<Value> {
    labels.iter().map(|(name, value)| text(name, value.as_str())).collect()
}

/// A histogram of one set of labels.
#[derive(Default)]
struct Distribution {
    sum: f64,
    count: u64,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    /// The count of all buckets so far: each line of the text includes the buckets below it.
    counted: u64,
}

impl Distribution {
    fn add_bucket(&mut self, bound: &str, up_to: u64) {
        self.counts.push(up_to.saturating_sub(self.counted));
        self.counted = up_to;
        self.bounds.extend(bound.parse::<f64>().ok().filter(|bound| bound.is_finite()));
    }

    fn point(&self, labels: &[(&str, String)], times: &Times) -> Value {
        let counts: Vec<String> = self.counts.iter().map(u64::to_string).collect();
        json!({
            "attributes": attributes(labels),
            "startTimeUnixNano": times.started,
            "timeUnixNano": times.now,
            "count": self.count.to_string(),
            "sum": self.sum,
            "bucketCounts": counts,
            "explicitBounds": self.bounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP gate_requests Requests by area.\n\
        # TYPE gate_requests counter\n\
        gate_requests_total{area=\"oauth\",status=\"2xx\"} 7\n\
        gate_requests_total{area=\"a\\\"b\\\\,}\",status=\"4xx\"} 1\n\
        # HELP gate_queue Waiting operations.\n\
        # TYPE gate_queue gauge\n\
        gate_queue 3\n\
        # HELP gate_cpu Seconds of CPU.\n\
        # TYPE gate_cpu counter\n\
        gate_cpu_total 1.5\n\
        # HELP gate_seconds Time of requests.\n\
        # TYPE gate_seconds histogram\n\
        gate_seconds_sum{area=\"oauth\"} 0.75\n\
        gate_seconds_count{area=\"oauth\"} 6\n\
        gate_seconds_bucket{le=\"0.1\",area=\"oauth\"} 4\n\
        gate_seconds_bucket{le=\"0.5\",area=\"oauth\"} 5\n\
        gate_seconds_bucket{le=\"+Inf\",area=\"oauth\"} 6\n\
        # HELP gate_unused Nothing yet.\n\
        # TYPE gate_unused counter\n\
        # EOF\n";

    #[test]
    fn each_kind_of_metric_becomes_the_one_of_otlp() {
        let message = message(TEXT, &json!({}), Timestamp::from_secs(10), Timestamp::from_secs(20));
        let metrics = message["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let names: Vec<_> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["gate_requests", "gate_queue", "gate_cpu", "gate_seconds"]);
        let requests = &metrics[0]["sum"];
        assert_eq!(
            (&requests["isMonotonic"], &requests["aggregationTemporality"]),
            (&json!(true), &json!(2))
        );
        assert_eq!(
            requests["dataPoints"][0],
            json!({
                "attributes": [text("area", "oauth"), text("status", "2xx")],
                "startTimeUnixNano": "10000000000", "timeUnixNano": "20000000000", "asInt": "7",
            })
        );
        assert_eq!(requests["dataPoints"][1]["attributes"][0], text("area", "a\"b\\,}"));
        assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asInt"], "3");
        assert_eq!(metrics[1]["description"], "Waiting operations");
        assert_eq!(metrics[2]["sum"]["dataPoints"][0]["asDouble"], 1.5);
        let seconds = &metrics[3]["histogram"]["dataPoints"][0];
        assert_eq!(seconds["attributes"], json!([text("area", "oauth")]));
        assert_eq!(seconds["explicitBounds"], json!([0.1, 0.5]));
        assert_eq!(seconds["bucketCounts"], json!(["4", "1", "1"]));
        assert_eq!((&seconds["count"], &seconds["sum"]), (&json!("6"), &json!(0.75)));
    }

    #[test]
    fn every_metric_of_the_server_is_told() {
        let text = app::node::metrics::Metrics::default().encode();
        for family in families(&text) {
            assert!(matches!(family.kind, "counter" | "gauge" | "histogram" | "info"), "{}", family.name);
        }
        let samples = text.lines().filter(|line| !line.starts_with('#')).count();
        let read: usize = families(&text).iter().map(|family| family.samples.len()).sum();
        assert!(samples > 20, "{text}");
        assert_eq!(read, samples);
    }
}

//! Traces and metrics over OTLP, as a collector receives them.

use serde_json::{Value, json};
use testkit::host::{AUTHORITY, Reply, TestHost};
use testkit::{Installation, Served, Wire};

use super::BINARY;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A collector, and a server that reports to it.
struct Reporting {
    runtime: tokio::runtime::Runtime,
    collector: TestHost,
    installation: Installation,
}

impl Reporting {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let collector = runtime.block_on(TestHost::start());
        for path in ["/otlp/v1/traces", "/otlp/v1/metrics"] {
            collector.reply(path, Reply::json(&json!({})));
        }
        Self { runtime, collector, installation: Installation::new(BINARY) }
    }

    fn serve(&self, further: &[(&str, &str)]) -> Served {
        let file = |name: &str, content: &[u8]| {
            let path = self.installation.folder().join(name);
            std::fs::write(&path, content).expect("a file");
            path.to_str().expect("a path").to_owned()
        };
        let endpoint = self.collector.url("localhost", "/otlp");
        let (headers, authorities) =
            (file("headers", b"Authorization: Bearer s3cret-of-the-collector\n"), file("ca.pem", AUTHORITY));
        let mut variables = vec![
            ("SLUICEGATE_TELEMETRY__OTLP_ENDPOINT", &*endpoint),
            ("SLUICEGATE_TELEMETRY__OTLP_HEADERS_FILE", &*headers),
            ("SLUICEGATE_TELEMETRY__OTLP_AUTHORITIES_FILE", &*authorities),
        ];
        variables.extend_from_slice(further);
        self.installation.serve_with(&[], &variables)
    }

    /// The spans that have arrived.
    fn spans(&self) -> Vec<Value> {
        let messages = self.collector.received("/otlp/v1/traces");
        let spans = messages.iter().flat_map(|message| {
            let message: Value = serde_json::from_slice(&message.body).expect("JSON");
            message["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone()
        });
        spans.collect()
    }
}

fn get(served: &Served, path: &str, traceparent: Option<&str>) {
    let mut request = http::Request::get(format!("{}{path}", served.url()));
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    let request = request.body(Vec::new()).expect("a request");
    Wire::new(served.url()).transport(request).expect("an answer");
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    found.map_or(&Value::Null, |attribute| &attribute["value"])
}

#[test]
fn a_request_is_told_as_a_span_of_the_trace_of_its_caller() {
    let reporting = Reporting::new();
    let served = reporting.serve(&[]);
    get(&served, "/login?code=s3cret-of-a-client", Some(&format!("00-{TRACE}-{CALLER}-01")));
    get(&served, "/nowhere", None);
    get(&served, "/login", Some(&format!("00-{TRACE}-{CALLER}-00")));
    get(&served, "/login", Some("00-0-0-01"));
    let printed = served.terminate().1;
    assert!(!printed.contains("s3cret"), "{printed}");
    assert!(printed.lines().any(|line| line.contains("/login") && line.contains(TRACE)), "{printed}");
    let spans = reporting.spans();
    assert_eq!(spans.len(), 3, "one caller does not collect its trace: {spans:?}");
    let span = spans.iter().find(|span| span["traceId"] == TRACE).expect("the span of the caller's trace");
    assert_eq!(span["parentSpanId"], CALLER);
    assert_eq!((&span["name"], &span["kind"]), (&json!("GET page"), &json!(2)));
    assert_eq!(attribute(span, "url.path")["stringValue"], "/login");
    assert_eq!(attribute(span, "http.response.status_code")["intValue"], "200");
    assert_eq!(attribute(span, "client.address")["stringValue"], "127.0.0.1");
    let nanos = |name: &str| span[name].as_str().and_then(|time| time.parse::<u64>().ok()).expect("a time");
    assert!(nanos("endTimeUnixNano") >= nanos("startTimeUnixNano"));
    for other in spans.iter().filter(|span| span["traceId"] != TRACE) {
        assert!(other.get("parentSpanId").is_none());
        assert_eq!(other["traceId"].as_str().map(str::len), Some(32));
    }
    let message = &reporting.collector.received("/otlp/v1/traces")[0];
    assert_eq!(message.headers["authorization"], "Bearer s3cret-of-the-collector");
    assert_eq!(message.headers["content-type"], "application/json");
    let message = String::from_utf8_lossy(&message.body);
    assert!(message.contains("service.instance.id") && !message.contains("s3cret"), "{message}");
}

#[test]
fn only_the_chosen_share_of_requests_without_a_trace_is_told() {
    let reporting = Reporting::new();
    let served = reporting.serve(&[("SLUICEGATE_TELEMETRY__SAMPLED_PERCENT", "0")]);
    get(&served, "/login", None);
    get(&served, "/login", Some(&format!("00-{TRACE}-{CALLER}-01")));
    served.terminate();
    let traces: Vec<_> = reporting.spans().iter().map(|span| span["traceId"].clone()).collect();
    assert_eq!(traces, [TRACE]);
}

#[test]
fn metrics_are_sent_at_intervals() {
    let reporting = Reporting::new();
    let served = reporting.serve(&[("SLUICEGATE_TELEMETRY__METRICS_INTERVAL_SECS", "1")]);
    get(&served, "/login", None);
    let arrived = || reporting.collector.received("/otlp/v1/metrics");
    let waiting = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        while arrived().is_empty() {
            ticks.tick().await;
        }
    };
    reporting
        .runtime
        .block_on(async { tokio::time::timeout(std::time::Duration::from_mins(1), waiting).await })
        .expect("metrics arrive");
    served.terminate();
    let message: Value = serde_json::from_slice(&arrived()[0].body).expect("JSON");
    let metrics = message["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().expect("metrics");
    let requests = metrics.iter().find(|metric| metric["name"] == "sluicegate_requests").expect("requests");
    assert_eq!(requests["sum"]["isMonotonic"], true);
    assert!(
        metrics
            .iter()
            .any(|metric| metric["name"] == "sluicegate_request_seconds" && metric["histogram"].is_object())
    );
}

#[test]
fn a_collector_that_is_away_does_not_hold_up_requests() {
    let reporting = Reporting::new();
    reporting.collector.reply("/otlp/v1/traces", Reply::text("").held_back());
    let served = reporting.serve(&[]);
    for _ in 0..600 {
        get(&served, "/healthz-of-nobody", None);
    }
    let (status, printed) = served.terminate();
    assert!(status.success(), "{printed}");
    assert!(printed.contains("the last spans did not reach the collector in time"), "{printed}");
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[test]
fn header_fields_are_not_sent_in_clear_text() {
    let installation = Installation::new(BINARY);
    let check = |endpoint: &str, headers: Option<&str>| {
        let mut command = installation.command(&["check-config"]);
        command.env("SLUICEGATE_TELEMETRY__OTLP_ENDPOINT", endpoint);
        let file = installation.folder().join("headers");
        if let Some(headers) = headers {
            std::fs::write(&file, headers).expect("a file");
            command.env("SLUICEGATE_TELEMETRY__OTLP_HEADERS_FILE", &file);
        }
        let output = command.output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let fields = Some("x-key: s3cret\n");
    assert_eq!(check("http://localhost:4318", fields), (true, String::new()));
    assert_eq!(check("https://collector.example.org", fields), (true, String::new()));
    let (accepted, said) = check("http://collector.example.org:4318", fields);
    assert!(!accepted && said.contains("telemetry.otlp_endpoint") && said.contains("https://"), "{said}");
    let (accepted, said) = check("https://collector.example.org", Some("x-key s3cret\n"));
    assert!(!accepted && said.contains("otlp_headers_file") && !said.contains("s3cret"), "{said}");
    assert_eq!(
        check("http://collector.example.org:4318", None),
        (true, String::new()),
        "doctor and serve warn"
    );
    let (accepted, said) = check("https://me:s3cret@collector.example.org", None);
    assert!(!accepted && said.contains("otlp_endpoint") && !said.contains("s3cret"), "{said}");
    let mut doctor = installation.command(&["doctor", "--offline"]);
    doctor.env("SLUICEGATE_TELEMETRY__OTLP_ENDPOINT", "http://collector.example.org:4318");
    let said = doctor.output().expect("it runs").stdout;
    assert!(String::from_utf8_lossy(&said).contains("traces travel to another machine in clear text"));
    let headers = installation.folder().join("open-headers");
    std::fs::write(&headers, "x-key: s3cret\n").expect("a file");
    let is_warned_of = |mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&headers, permissions).expect("an own file");
        let mut doctor = installation.command(&["doctor", "--offline"]);
        doctor.env("SLUICEGATE_TELEMETRY__OTLP_HEADERS_FILE", &headers);
        let said = String::from_utf8(doctor.output().expect("it runs").stdout).expect("a text");
        said.contains("can read or change the credentials for the collector")
    };
    assert_eq!([0o644, 0o660, 0o640, 0o600].map(is_warned_of), [true, true, false, false]);
}

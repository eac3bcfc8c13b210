//! Spans as a message of OTLP
//! ([`trace.proto`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto)).

use serde_json::{Value, json};
use web::trace::Span;

use super::{SCOPE, nanos, text};

/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The message for these spans.
pub(super) fn message(spans: &[Span], resource: &Value) -> Value {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({
        "resourceSpans": [{
            "resource": resource,
            "scopeSpans": [{ "scope": { "name": SCOPE }, "spans": spans }],
        }],
    })
}

/// The attributes are those of the [semantic conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/) for
/// HTTP servers, and some of our own.
fn span(span: &Span) -> Value {
    let request = &span.request;
    let mut attributes = vec![
        text("http.request.method", request.method),
        text("url.path", request.path.as_str()),
        number("http.response.status_code", i64::from(request.status)),
        number("http.response.body.size", i64::try_from(request.bytes).unwrap_or(i64::MAX)),
        text("sluicegate.request_id", &*request.request_id),
        text("sluicegate.area", request.area),
    ];
    attributes.extend(request.address.map(|address| text("client.address", address.to_string())));
    attributes.extend(request.what.map(|what| text("sluicegate.what", what)));
    attributes.extend(request.application.map(|id| number("sluicegate.application", id)));
    let mut described = json!({
        "traceId": format!("{:032x}", u128::from_be_bytes(span.trace)),
        "spanId": format!("{:016x}", u64::from_be_bytes(span.id)),
        "name": format!("{} {}", request.method, request.area),
        "kind": SERVER,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended.max(span.began)),
        "attributes": attributes,
        "status": if request.status >= 500 { json!({ "code": ERROR }) } else { json!({}) },
    });
    if let Some(parent) = span.parent {
        described["parentSpanId"] = json!(format!("{:016x}", u64::from_be_bytes(parent)));
    }
    described
}

/// An attribute whose value is a whole number.
fn number(name: &str, value: i64) -> Value {
    json!({ "key": name, "value": { "intValue": value.to_string() } })
}

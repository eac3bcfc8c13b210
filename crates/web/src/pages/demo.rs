//! The page of the demo's application: where a browser comes back to with the code, and what the application does next.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use oauth::id::ClientId;
use oauth::parameters::{Name, Parameters};

use super::{Visit, filters};
use crate::respond::page;

/// Where the demo's application is called back; only the demo's server has this address.
pub const CALLBACK: &str = "/demo/callback";

const CODE: Name = Name::new("code", 4096);
const STATE: Name = Name::new("state", 128);
const ERROR: Name = Name::new("error", 64);
const ERROR_DESCRIPTION: Name = Name::new("error_description", 512);

#[derive(Template)]
#[template(path = "demo.html")]
struct DemoPage<'a> {
    server: &'a str,
    redirect: String,
    client_id: &'a str,
    code: Option<&'a str>,
    error: Option<&'a str>,
    description: &'a str,
}

/// `GET /demo/callback`. The demo's link carries the client id as its `state`. Nothing else than a code and a client id of the
/// form of ours gets into a command, since people copy it into a shell.
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let field = |name| query.one(name).ok().flatten();
    let server = visit.gate.settings().demo.as_deref().unwrap_or_default();
    let client_id = field(STATE).filter(|state| state.parse::<ClientId>().is_ok());
    let shown = DemoPage {
        server,
        redirect: format!("{server}{CALLBACK}"),
        client_id: client_id.unwrap_or("CLIENT_ID"),
        code: field(CODE).filter(|code| is_plain(code)),
        error: field(ERROR),
        description: field(ERROR_DESCRIPTION).unwrap_or_default(),
    };
    page::html(StatusCode::OK, &shown, page::Place::Flow)
}

fn is_plain(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The page with a code, with a refusal, and with neither.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let page = |code, error| DemoPage {
        server: "http://127.0.0.1:8080",
        redirect: format!("http://127.0.0.1:8080{CALLBACK}"),
        client_id: "CLIENT_ID",
        code,
        error,
        description: HOSTILE,
    };
    vec![
        rendered(&page(Some("sgc_x"), None)),
        rendered(&page(None, Some(HOSTILE))),
        rendered(&page(None, None)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_code_gets_into_a_command() {
        assert!(is_plain("sgc_AZaz09-_"));
        for code in ["a'b", "a b", "$(x)", "a\nb", "`x`", "a;b", "ä"] {
            assert!(!is_plain(code), "{code}");
        }
    }
}

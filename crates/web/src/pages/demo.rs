//! The page of the demo's application: the redirect URL that receives the code, and the application's next
//! step.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::id::ClientId;
use http::StatusCode;
use oauth::parameters::{Name, Parameters};

use super::Visit;
use crate::filters;
use crate::respond::page;

/// The redirect URL of the demo's application; only the demo's server has this path.
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

/// `GET /demo/callback`. The demo's link has the client id as its `state`. Only a code and a client id in our
/// format become part of the command, because people copy it into a shell.
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let field = |name| query.one(name).ok().flatten();
    let server = visit.state.settings().demo.as_deref().unwrap_or_default();
    let client_id = field(STATE).filter(|state| state.parse::<ClientId>().is_ok());
    let shown = DemoPage {
        server,
        redirect: format!("{server}{CALLBACK}"),
        client_id: client_id.unwrap_or("CLIENT_ID"),
        code: field(CODE).filter(|code| is_plain(code)),
        error: field(ERROR),
        description: field(ERROR_DESCRIPTION).unwrap_or_default(),
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::Flow)
}

fn is_plain(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Samples of the page with a code, with a refusal, and with neither.
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
    fn only_a_code_becomes_part_of_the_command() {
        assert!(is_plain("sgc_AZaz09-_"));
        for code in ["a'b", "a b", "$(x)", "a\nb", "`x`", "a;b", "ä"] {
            assert!(!is_plain(code), "{code}");
        }
    }
}

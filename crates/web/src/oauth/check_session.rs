//! `GET /oauth2/check_session`: the page that clients load in a frame, to learn whether the user at this browser has signed in or
//! out since ([OpenID Connect Session Management
//! §3.2](https://openid.net/specs/openid-connect-session-1_0.html#OPiframe)).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::WebState;
use crate::filters;
use crate::respond::page::{self, PageContext};

#[derive(Template)]
#[template(path = "check_session.html")]
struct CheckSessionPage {
    /// The name of the cookie with the state of the browser.
    cookie: &'static str,
}

/// The page, the same for every browser: its script reads the cookie.
pub async fn show(State(state): State<WebState>) -> Response {
    let shown = CheckSessionPage { cookie: state.cookie_scope().browser_state_name() };
    page::html(StatusCode::OK, &shown, PageContext::Framed, state.base())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::rendered;

    #[test]
    fn the_session_frame_loads_one_script_and_shows_nothing() {
        let page = rendered(&CheckSessionPage { cookie: "__Secure-sluicegate-browser-state" });
        let script = "<script src=\"/gate/assets/check_session.js\" data-cookie=\"__Secure-sluicegate-browser-state\"></script>";
        assert!(page.contains(script), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(!page.contains("<body") && !page.contains("<link"), "{page}");
    }
}

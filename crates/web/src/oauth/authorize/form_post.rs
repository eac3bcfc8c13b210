//! The page that posts a response to the client: by itself where scripts run, otherwise when its button is pressed
//! ([OAuth 2.0 Form Post Response
//! Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)).

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use oauth::authorize::ResponseForm;

use crate::filters;
use crate::pages::Visit;
use crate::respond::page::{PageContext, SELF_SUBMITTING_SCRIPT};

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    action: &'a str,
    fields: &'a [(&'static str, String)],
    script: &'static str,
}

/// The page with the response.
pub(super) fn show(visit: &Visit, form: &ResponseForm) -> Response {
    visit.page(StatusCode::OK, &filled(form), PageContext::SelfSubmitting)
}

fn filled(form: &ResponseForm) -> FormPostPage<'_> {
    FormPostPage { action: &form.action, fields: &form.fields, script: SELF_SUBMITTING_SCRIPT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::{HOSTILE, rendered};

    #[test]
    fn the_fields_are_escaped_and_only_our_script_is_on_the_page() {
        let form = ResponseForm {
            action: format!("https://client.example/cb?x={HOSTILE}"),
            fields: vec![("code", "sgc_1".to_owned()), ("state", HOSTILE.to_owned())],
        };
        let page = rendered(&filled(&form));
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(page.contains(&format!("<script>{SELF_SUBMITTING_SCRIPT}</script>")), "{page}");
        assert!(page.contains("<input type=\"hidden\" name=\"code\" value=\"sgc_1\">"), "{page}");
        assert!(page.contains("id=\"form-post-submit\""), "{page}");
    }
}

//! The page that posts a response to the client: by itself where scripts run, otherwise when its button is pressed
//! ([OAuth 2.0 Form Post Response
//! Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)).

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use oauth::authorize::ResponseForm;

use crate::filters;
use crate::pages::{DestinationInWords, Visit};
use crate::respond::page::{PageContext, SELF_SUBMITTING_SCRIPT};

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    application: &'a str,
    goal: DestinationInWords,
    action: &'a str,
    fields: &'a [(&'static str, String)],
    script: &'static str,
}

/// The page with the response.
pub(super) fn show(visit: &Visit, form: &ResponseForm) -> Response {
    visit.page(StatusCode::OK, &filled(form), PageContext::SelfSubmitting)
}

fn filled(form: &ResponseForm) -> FormPostPage<'_> {
    FormPostPage {
        application: &form.application,
        goal: DestinationInWords::of(&form.destination),
        action: &form.action,
        fields: &form.fields,
        script: SELF_SUBMITTING_SCRIPT,
    }
}

#[cfg(test)]
mod tests {
    use oauth::destination::Destination;

    use super::*;
    use crate::pages::tests::{HOSTILE, rendered};

    #[test]
    fn the_fields_are_escaped_and_only_our_script_is_on_the_page() {
        let form = ResponseForm {
            action: format!("https://client.example/cb?x={HOSTILE}"),
            fields: vec![("code", "sgc_1".to_owned()), ("state", HOSTILE.to_owned())],
            destination: Destination::UnencryptedSite { origin: "http://client.example".to_owned() },
            application: HOSTILE.to_owned(),
        };
        let page = rendered(&filled(&form));
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(page.contains(&format!("<script>{SELF_SUBMITTING_SCRIPT}</script>")), "{page}");
        assert!(page.contains("<input type=\"hidden\" name=\"code\" value=\"sgc_1\">"), "{page}");
        assert!(page.contains("id=\"form-post-submit\""), "{page}");
        assert!(
            page.contains("the web site <code id=\"destination\">http://client.example</code>"),
            "{page}"
        );
        assert!(page.contains("id=\"caution\"") && page.contains("<h1>Return to <q><bdi>"), "{page}");
        assert!(
            !page.contains('\u{202E}') || page.matches('\u{202E}').count() == 2,
            "only in fields: {page}"
        );
    }
}

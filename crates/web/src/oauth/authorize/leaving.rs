//! The page on which the user decides whether an error goes to an application that nobody here registered.

use app::protocol::authorize::LeavingError;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use oauth::authorize::Delivery;

use crate::errors::PageError;
use crate::filters;
use crate::pages::{DestinationInWords, Visit};
use crate::respond::page::{PageContext, sentence};

#[derive(Template)]
#[template(path = "leaving.html")]
struct LeavingPage<'a> {
    error: PageError,
    message: String,
    code: &'static str,
    goal: DestinationInWords,
    address: &'a str,
    /// The fields of a form to that address; `None` for a link.
    fields: Option<&'a [(&'static str, String)]>,
}

/// The page with the error. Nothing is sent before the user presses the button.
pub(super) fn show(visit: &Visit, error: &LeavingError) -> Response {
    visit.page(StatusCode::OK, &filled(error), PageContext::FlowOnward)
}

fn filled(error: &LeavingError) -> LeavingPage<'_> {
    let (address, fields) = match &error.response.delivery {
        Delivery::Redirect(location) => (location, None),
        Delivery::Form(form) => (&form.action, Some(form.fields.as_slice())),
    };
    LeavingPage {
        error: PageError::InvalidRequest,
        message: sentence(&error.refusal.description()),
        code: error.refusal.code().as_str(),
        goal: DestinationInWords::of(&error.destination),
        address,
        fields,
    }
}

#[cfg(test)]
mod tests {
    use app::protocol::authorize::ClientResponse;
    use oauth::authorize::ResponseForm;
    use oauth::destination::Destination;
    use oauth::refusal::Refusal;

    use super::*;
    use crate::pages::tests::{HOSTILE, rendered};

    fn page(delivery: Delivery) -> String {
        let destination = Destination::UnencryptedSite { origin: HOSTILE.to_owned() };
        let response = ClientResponse { delivery, new_state: None };
        rendered(&filled(&LeavingError { refusal: Refusal::ScopeUnknown, destination, response }))
    }

    #[test]
    fn the_page_names_error_and_destination_and_goes_nowhere_by_itself() {
        let form = ResponseForm {
            action: format!("https://a.example/?x={HOSTILE}"),
            fields: vec![("state", HOSTILE.to_owned())],
            destination: Destination::UnencryptedSite { origin: HOSTILE.to_owned() },
            application: HOSTILE.to_owned(),
        };
        let redirect = Delivery::Redirect(format!("https://a.example/?x={HOSTILE}"));
        for delivery in [redirect, Delivery::Form(Box::new(form))] {
            let page = page(delivery);
            assert!(!page.contains("<script") && !page.contains("http-equiv"), "{page}");
            assert!(!page.contains("<a href='"), "everything is escaped: {page}");
            for part in [
                "id=\"error-code\">invalid_scope<",
                "id=\"destination\">",
                "id=\"caution\"",
                "id=\"error-continue\"",
            ] {
                assert_eq!(page.matches(part).count(), 1, "{part}: {page}");
            }
        }
    }
}

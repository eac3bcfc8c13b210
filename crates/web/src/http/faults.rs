//! The table of server failures: the status of each, and when the client may try again. Every form of error
//! reads it.

use app::Fault;
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

/// The `Retry-After` in seconds of a server that is busy, or of a 503 response that names none.
pub(crate) const SHORTLY: u32 = 1;
/// The `Retry-After` in seconds while the system database fails, or while something cannot be fetched.
pub(crate) const LATER: u32 = 5;

/// A server failure on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpFailure {
    pub(crate) status: StatusCode,
    /// Seconds after which a retry may succeed; `None` if none will.
    pub(crate) retry_after_secs: Option<u32>,
}

impl From<&Fault> for HttpFailure {
    fn from(fault: &Fault) -> Self {
        let (status, retry_after_secs) = match fault {
            Fault::Busy => (StatusCode::SERVICE_UNAVAILABLE, Some(SHORTLY)),
            Fault::NotWritable(_)
            | Fault::Unavailable(_)
            | Fault::KeysUnavailable
            | Fault::SignerUnavailable => (StatusCode::SERVICE_UNAVAILABLE, Some(LATER)),
            Fault::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        Self { status, retry_after_secs }
    }
}

/// Says in a response when to try again, unless it says so already.
pub(crate) fn set_retry_after(response: &mut Response, secs: Option<u32>) {
    if let Some(secs) = secs {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from(secs));
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use store::StoreError;

    use super::*;
    use crate::errors::ManagementErrorCode;
    use crate::respond::management::ManagementProblem;
    use crate::respond::odata::ODataProblem;

    #[test]
    fn every_error_format_has_the_same_status_and_retry_after_for_a_failure() {
        let faults = || {
            [
                Fault::Busy,
                Fault::NotWritable(StoreError::Busy),
                Fault::Unavailable(StoreError::Busy),
                Fault::KeysUnavailable,
                Fault::SignerUnavailable,
                Fault::Broken("bug".into()),
            ]
        };
        let rules = oauth::application::Profile::Compatible.rules();
        let later = (503, Some("5"));
        let expected = [(503, Some("1")), later, later, later, later, (500, None)];
        for ((fault, same), expected) in faults().iter().zip(faults()).zip(expected) {
            let managed = ManagementProblem::server(fault, ManagementErrorCode::ListFailed);
            for (form, response) in [
                ("oauth", crate::oauth::faulty(fault)),
                ("management", managed.into_response()),
                ("odata", ODataProblem::from(same).at(String::new, rules, None)),
                ("page", crate::pages::fault(fault)),
            ] {
                let wait = response.headers().get(RETRY_AFTER).map(|secs| secs.to_str().unwrap());
                assert_eq!((response.status().as_u16(), wait), expected, "{form}: {fault}");
            }
        }
    }

    #[test]
    fn an_existing_retry_after_is_kept() {
        let mut response = Response::default();
        set_retry_after(&mut response, None);
        assert!(!response.headers().contains_key(RETRY_AFTER));
        set_retry_after(&mut response, Some(60));
        set_retry_after(&mut response, Some(SHORTLY));
        assert_eq!(response.headers()[RETRY_AFTER], "60");
    }
}

//! Refusals of administrative operations in the envelope.

use app::Fault;
use app::administration::{FieldFault, Refused};
use http::StatusCode;

use crate::errors::ErrorCode;
use crate::respond::management::{Detail, Problem};

/// Converts a refusal to a response.
pub(super) fn problem(refused: Refused) -> Problem {
    let bad = |code, message| Problem::new(StatusCode::BAD_REQUEST, code, message);
    match refused {
        Refused::Forbidden => Problem::forbidden(),
        Refused::Unknown => Problem::not_found(),
        Refused::Invalid(faults) if faults.iter().all(|fault| fault.field == "transferTo") => {
            Problem::parameters(details(faults))
        }
        Refused::Invalid(faults) => Problem::payload(details(faults)),
        Refused::NameTaken => {
            bad(ErrorCode::NameTaken, "Another one has the name; names are compared ignoring case.")
        }
        Refused::LastAdministrator => bad(
            ErrorCode::LastAdministrator,
            "No active Administrator would remain; appoint another one first.",
        ),
        Refused::StillInUse => {
            bad(ErrorCode::StillInUse, "Users still have the role; remove it from them first.")
        }
        Refused::StillOwns(_) => Problem::new(
            StatusCode::CONFLICT,
            ErrorCode::StillOwns,
            format!(
                "It cannot be done: {refused}. Hand it over with ?transferTo=NAME, or delete it too with ?force=true."
            ),
        ),
        Refused::OwnsTooMuch => {
            Problem::new(StatusCode::CONFLICT, ErrorCode::StillOwns, format!("It cannot be done: {refused}."))
        }
        Refused::RightsChanged => Problem::rights_changed(),
        Refused::BuiltIn => {
            bad(ErrorCode::BuiltIn, "The roles Administrator and User are built in and cannot be deleted.")
        }
        Refused::Fault(fault) => server(&fault),
    }
}

/// A server failure in an operation for which Hybrid Data Pipeline has no number.
pub(super) fn server(fault: &Fault) -> Problem {
    let code =
        if matches!(fault, Fault::Broken(_)) { ErrorCode::ServerError } else { ErrorCode::Unavailable };
    Problem::server(fault, code)
}

/// Converts faults to the form of the response.
pub(super) fn details(faults: Vec<FieldFault>) -> Vec<Detail> {
    faults.into_iter().map(|fault| Detail { field: fault.field, message: fault.message }).collect()
}

/// `Ok` if there are no faults, as [`JsonBody::judged`](crate::extract::JsonBody::judged) expects.
pub(super) fn judged(faults: Vec<FieldFault>) -> Result<(), Vec<Detail>> {
    if faults.is_empty() { Ok(()) } else { Err(details(faults)) }
}

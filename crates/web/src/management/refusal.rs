//! Refusals of administrative acts in the envelope.

use app::Fault;
use app::administration::{FieldFault, Refused};
use http::StatusCode;

use crate::errors::ErrorCode;
use crate::respond::management::{Detail, Problem};

/// A refusal as the answer that it becomes.
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
            bad(ErrorCode::NameTaken, "Another one has the name; names are compared without case.")
        }
        Refused::LastAdministrator => {
            bad(ErrorCode::LastAdministrator, "No active Administrator would remain; make another one first.")
        }
        Refused::StillInUse => {
            bad(ErrorCode::StillInUse, "Users still have the role; take it from them first.")
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

/// A fault of the server, where Hybrid Data Pipeline has no number for the operation.
pub(super) fn server(fault: &Fault) -> Problem {
    let code =
        if matches!(fault, Fault::Broken(_)) { ErrorCode::ServerError } else { ErrorCode::Unavailable };
    Problem::server(fault, code)
}

/// Faults in the form of the answer.
pub(super) fn details(faults: Vec<FieldFault>) -> Vec<Detail> {
    faults.into_iter().map(|fault| Detail { field: fault.field, message: fault.message }).collect()
}

/// `Ok` where nothing was found: the form in which bodies are judged.
pub(super) fn judged(faults: Vec<FieldFault>) -> Result<(), Vec<Detail>> {
    if faults.is_empty() { Ok(()) } else { Err(details(faults)) }
}

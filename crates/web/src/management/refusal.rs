//! Refusals of administrative operations in the envelope.

use app::Fault;
use app::management::administration::{AdministrationError, FieldFault};
use http::StatusCode;

use crate::errors::ManagementErrorCode;
use crate::respond::management::{Detail, ManagementProblem};

/// Converts a refusal to a response.
pub(super) fn problem(refused: AdministrationError) -> ManagementProblem {
    let bad = |code, message| ManagementProblem::new(StatusCode::BAD_REQUEST, code, message);
    match refused {
        AdministrationError::Forbidden => ManagementProblem::forbidden(),
        AdministrationError::Unknown => ManagementProblem::not_found(),
        AdministrationError::Invalid(faults) if faults.iter().all(|fault| fault.field == "transferTo") => {
            ManagementProblem::parameters(details(faults))
        }
        AdministrationError::Invalid(faults) => ManagementProblem::payload(details(faults)),
        AdministrationError::NameTaken => {
            bad(ManagementErrorCode::NameTaken, "Another one has the name; names are compared ignoring case.")
        }
        AdministrationError::LastAdministrator => bad(
            ManagementErrorCode::LastAdministrator,
            "No active Administrator would remain; appoint another one first.",
        ),
        AdministrationError::StillInUse => {
            bad(ManagementErrorCode::StillInUse, "Users still have the role; remove it from them first.")
        }
        AdministrationError::StillOwns(_) => ManagementProblem::new(
            StatusCode::CONFLICT,
            ManagementErrorCode::StillOwns,
            format!(
                "It cannot be done: {refused}. Hand it over with ?transferTo=NAME, or delete it too with ?force=true."
            ),
        ),
        AdministrationError::OwnsTooMuch => ManagementProblem::new(
            StatusCode::CONFLICT,
            ManagementErrorCode::StillOwns,
            format!("It cannot be done: {refused}."),
        ),
        AdministrationError::StillHasScopes(_)
        | AdministrationError::StillRegistered(_)
        | AdministrationError::StillImplied(_) => conflict(ManagementErrorCode::ScopeInUse, &refused),
        AdministrationError::Full(_) => conflict(ManagementErrorCode::TooMany, &refused),
        AdministrationError::BuiltInScope => bad(
            ManagementErrorCode::BuiltInScope,
            "It is built in; only the description of a built-in scope may change.",
        ),
        AdministrationError::RightsChanged => ManagementProblem::rights_changed(),
        AdministrationError::BuiltIn => bad(
            ManagementErrorCode::BuiltIn,
            "The roles Administrator and User are built in and cannot be deleted.",
        ),
        AdministrationError::Fault(fault) => server(&fault),
    }
}

fn conflict(code: ManagementErrorCode, refused: &AdministrationError) -> ManagementProblem {
    ManagementProblem::new(StatusCode::CONFLICT, code, format!("It cannot be done: {refused}."))
}

/// A server failure in an operation for which Hybrid Data Pipeline has no number.
pub(super) fn server(fault: &Fault) -> ManagementProblem {
    let code = if matches!(fault, Fault::Broken(_)) {
        ManagementErrorCode::ServerError
    } else {
        ManagementErrorCode::Unavailable
    };
    ManagementProblem::server(fault, code)
}

/// Converts faults to the form of the response.
pub(super) fn details(faults: Vec<FieldFault>) -> Vec<Detail> {
    faults.into_iter().map(|fault| Detail { field: fault.field, message: fault.message }).collect()
}

/// `Ok` if there are no faults, as [`JsonBody::judged`](crate::extract::JsonBody::judged) expects.
pub(super) fn judged(faults: Vec<FieldFault>) -> Result<(), Vec<Detail>> {
    if faults.is_empty() { Ok(()) } else { Err(details(faults)) }
}

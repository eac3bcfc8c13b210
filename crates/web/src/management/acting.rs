//! `?user=NAME`: acting for another user.

use app::acting::{ActingRefusal, Actor};
use app::caller::{Caller, Origin};
use http::StatusCode;

use crate::Gate;
use crate::errors::ErrorCode;
use crate::extract::Query;
use crate::respond::management::Problem;

/// Settles for whom a request acts. `failed` is the operation's code for a fault of the server.
pub(crate) async fn actor(
    gate: &Gate,
    caller: Caller,
    query: &Query,
    origin: &Origin,
    failed: ErrorCode,
) -> Result<Actor, Problem> {
    match gate.app().acting(caller.clone(), query.get("user")).await {
        Ok(actor) => Ok(actor),
        Err(ActingRefusal::Forbidden) => {
            let noted = gate.app().note_refusal(&caller, "may not act for another user", origin).await;
            Err(noted.map_or_else(|fault| Problem::server(&fault, failed), |()| Problem::forbidden()))
        }
        Err(ActingRefusal::UnknownUser) => {
            Err(Problem::of_status(StatusCode::NOT_FOUND, "There is no user of the name that ?user= gives."))
        }
        Err(ActingRefusal::Fault(fault)) => Err(Problem::server(&fault, failed)),
    }
}

//! `?user=NAME`: acting for another user.

use app::acting::{ActingRefusal, Actor};
use app::caller::Caller;
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
    failed: ErrorCode,
) -> Result<Actor, Problem> {
    gate.app().acting(caller, query.get("user")).await.map_err(|refusal| match refusal {
        ActingRefusal::Forbidden => Problem::forbidden(),
        ActingRefusal::UnknownUser => {
            Problem::of_status(StatusCode::NOT_FOUND, "There is no user of the name that ?user= gives.")
        }
        ActingRefusal::Fault(fault) => Problem::server(&fault, failed),
    })
}

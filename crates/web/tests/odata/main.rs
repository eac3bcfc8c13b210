//! `/api/odata4`, from the request of a client to the bytes of the answer.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it must be")]

mod access;
mod capabilities;
mod clients;
mod databases;
mod failures;
mod harbour;
mod limits;
mod paging;
mod planning;
mod protocol;
mod withdrawal;

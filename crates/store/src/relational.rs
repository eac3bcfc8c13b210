//! The records of the system database in SQL, written once for all backends.
//!
//! A backend implements [`SqlTransaction`]; the modules below run their statements in it. Parameters have names
//! (`:id`), and the few differences between the dialects are [fragments](statement) (`{for update}`). What is written
//! for speed stays in the backends: creating, rotating and revoking grants, appending to the feed of revocations, the
//! audit log, deleting expired rows.
//!
//! Every operation fails if a statement fails; one that returns [`Change`] also fails with a refusal.
//!
//! **Architecture invariant:** nothing here begins or ends a transaction. The backend says for each operation in
//! which kind of transaction it runs.

#![expect(clippy::missing_errors_doc, reason = "it is the same for every operation, and said above")]

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};

use crate::columns::Impossible;
use crate::{
    AllowListRefusal, ApplicationRefusal, DataSourceRefusal, InitialAccessTokenRefusal, Judged,
    OneTimeLinkRefusal, PersonalAccessTokenRefusal, ResourceServerRefusal, RightsChanged,
    SecondFactorRefusal, TrustedIssuerRefusal, TrustedOriginRefusal, UserRefusal,
};

pub mod access;
pub mod allow_lists;
mod application_access;
pub mod applications;
pub mod audit;
pub mod authority;
pub mod backchannel_authentications;
pub mod client_registrations;
pub mod consents;
pub mod data_sources;
pub mod device_authorizations;
pub mod document_clients;
pub mod external_keys;
mod familiar_networks;
pub mod grants;
pub mod initial_access_tokens;
pub mod logout_deliveries;
pub mod mails;
pub mod one_time_links;
pub mod personal_access_tokens;
pub mod pushed_requests;
pub mod resource_servers;
pub mod revocations;
pub mod roles;
mod row;
pub mod second_factors;
pub mod sessions;
pub mod settings;
pub mod sign_ins;
pub mod signing_keys;
pub mod statement;
pub mod sweeps;
pub mod trusted_issuers;
pub mod trusted_origins;
pub mod used_assertions;
pub mod users;
mod value;
pub mod versions;

pub use row::{ColumnValue, Columns, Record, ResultRow, read_row};
pub use statement::{Fragments, NamedStatement, Translated};
use value::values;
pub use value::{ParameterValue, ParameterValues};

/// The transaction of a backend in which an operation runs.
pub trait SqlTransaction {
    /// Why a statement failed.
    type Failure: From<Impossible>;

    /// Runs a statement that changes rows, and returns how many.
    fn execute(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<u64, Self>>;

    /// The first row, if any.
    fn find<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<Option<T>, Self>>;

    /// Every row.
    fn list<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<Vec<T>, Self>>;

    /// Appends events to the audit log.
    fn append_events(&self, events: &[NewAuditEvent]) -> impl Future<Output = Read<(), Self>>;

    /// Appends revocations to the feed.
    fn append_revocations(
        &self,
        subjects: &[RevokedSubject],
        at: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Read<Vec<Revocation>, Self>>;

    /// Appends an event to the audit log.
    fn append_audit(&self, event: &NewAuditEvent) -> impl Future<Output = Read<(), Self>> {
        self.append_events(std::slice::from_ref(event))
    }

    /// The only row of a statement that always returns one.
    fn value<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<T, Self>> {
        async move {
            let row = self.find(statement, values).await?;
            Ok(row.ok_or_else(|| Impossible(format!("no row: {}", statement.text())))?)
        }
    }
}

/// A text for which a statement looks. No stored text contains a NUL, and PostgreSQL accepts none, so one that
/// does is replaced by another that is never stored.
fn sought(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{1}")) } else { Cow::Borrowed(text) }
}

/// The failure of a statement, apart from refusals.
#[derive(Debug)]
pub struct Failed<F>(pub F);

impl<F: From<Impossible>> From<Impossible> for Failed<F> {
    fn from(impossible: Impossible) -> Self {
        Self(impossible.into())
    }
}

/// The result of an operation that is never refused.
pub type Read<T, S> = Result<T, Failed<<S as SqlTransaction>::Failure>>;

/// Why an operation did nothing.
#[derive(Debug)]
pub enum Stopped<F, R> {
    /// A statement failed.
    Failed(F),
    /// A rule refused it; nothing was written.
    Refused(R),
}

/// The result of an operation that may be refused.
pub type Change<T, S, R> = Result<T, Stopped<<S as SqlTransaction>::Failure, R>>;

impl<F, R> From<Failed<F>> for Stopped<F, R> {
    fn from(Failed(failure): Failed<F>) -> Self {
        Self::Failed(failure)
    }
}

impl<F: From<Impossible>, R> From<Impossible> for Stopped<F, R> {
    fn from(impossible: Impossible) -> Self {
        Self::Failed(impossible.into())
    }
}

macro_rules! refusals {
    ($($refusal:ty),+ $(,)?) => {$(
        impl<F> From<$refusal> for Stopped<F, $refusal> {
            fn from(refusal: $refusal) -> Self {
                Self::Refused(refusal)
            }
        }
    )+};
}

refusals![
    AllowListRefusal,
    ApplicationRefusal,
    DataSourceRefusal,
    InitialAccessTokenRefusal,
    OneTimeLinkRefusal,
    PersonalAccessTokenRefusal,
    ResourceServerRefusal,
    RightsChanged,
    SecondFactorRefusal,
    TrustedIssuerRefusal,
    TrustedOriginRefusal,
    UserRefusal,
];

/// Runs an operation that may be refused, with the refusal as a part of its outcome: a refused operation is no
/// failure of its transaction.
pub async fn judged<T, F, R>(
    operation: impl Future<Output = Result<T, Stopped<F, R>>>,
) -> Result<Judged<T, R>, Failed<F>> {
    match operation.await {
        Ok(done) => Ok(Ok(done)),
        Err(Stopped::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stopped::Failed(failure)) => Err(Failed(failure)),
    }
}

/// Runs an operation in a transaction whose futures are always ready, without a runtime.
///
/// # Errors
/// If a statement fails, or if the operation has to wait for something.
pub fn run_ready<T, F: From<Impossible>>(
    operation: impl Future<Output = Result<T, Failed<F>>>,
) -> Result<T, F> {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done.map_err(|Failed(failure)| failure),
        Poll::Pending => Err(Impossible("an operation waits where nothing may wait".to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_waits_fails_where_nothing_may_wait() {
        let waits = run_ready(std::future::pending::<Result<(), Failed<Impossible>>>());
        assert!(waits.is_err());
        assert_eq!(run_ready(async { Ok::<_, Failed<Impossible>>(3) }), Ok(3));
    }
}

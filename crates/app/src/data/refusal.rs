//! Why a request for data was refused.

use std::fmt;

use domain::account::DataSource;
use oauth::scope::BuiltInScope;
use oauth::step_up::{StepUp, Unmet};
use odata::error::Error;
use sources::{BrokenRule, SourceError};

use super::DataRequest;
use crate::Fault;
use crate::data::models::OpenRefusal;

/// Why a request for data was refused. `Display` gives a text for the caller.
#[derive(Debug, thiserror::Error)]
pub enum DataRefusal {
    /// The access token was not issued for reading data.
    #[error("the access token does not cover {}", .0.as_str())]
    MissingScope(BuiltInScope),
    /// The access token is limited to other data.
    #[error("the access token does not reach this data source")]
    NotGranted,
    /// The access token is limited to other resources ([RFC 8707 §3](https://www.rfc-editor.org/rfc/rfc8707#section-3)).
    #[error("the access token is limited to other resources")]
    OtherResources,
    /// The user must sign in again ([RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    #[error("this data source demands that you signed in within the last {max_age_secs} seconds")]
    SignInTooOld {
        /// The longest time since the sign-in, in seconds.
        max_age_secs: u32,
    },
    /// The user must sign in with a second factor ([RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    #[error("this data source demands that you signed in with a second factor")]
    SecondFactorMissing {
        /// The longest time since that sign-in, in seconds, if it is also demanded.
        max_age_secs: Option<u32>,
    },
    /// The user lacks the permission `UseDataSourceWithOData`.
    #[error("you lack the permission to use data sources with OData")]
    MissingPermission,
    /// The access was revoked while the request waited or was read: a token was revoked, or a password
    /// changed.
    #[error("the access was revoked during the request")]
    AccessEnded,
    /// No source has that name, or it belongs to somebody else.
    #[error("there is no data source with that name")]
    UnknownSource,
    /// The request is invalid, or asks for something that is not supported.
    #[error(transparent)]
    Request(#[from] Error),
    /// The owner of the data source does not let anybody change it.
    #[error("the data source is read-only")]
    ReadOnlySource,
    /// The access token was issued for reading this data source only.
    #[error("the access token does not allow to change this data source")]
    ChangeNotGranted,
    /// The database made no change, and broke no rule that it names: a policy or a trigger of it prevents the change.
    #[error("the database does not make this change")]
    ChangePrevented,
    /// The condition of the request does not hold.
    #[error("the entity is not in the state that the request demands")]
    PreconditionFailed,
    /// The headers by which a repeated request is known are not whole.
    #[error(
        "a repeatable request has Repeatability-Request-ID and Repeatability-First-Sent, a date such as Tue, 15 Nov 1994 08:12:31 GMT, \
         once each, and perhaps Repeatability-Client-ID; ids have at most 256 characters"
    )]
    MalformedRepetition,
    /// An earlier request with the same id was another one.
    #[error("an earlier request with this Repeatability-Request-ID was another one")]
    RepeatedOtherwise,
    /// The request was first sent too long ago to know whether it was made.
    #[error(
        "the request was first sent too long ago, or in the future, so it is not known whether it was made; nothing was changed"
    )]
    RepeatedTooLate,
    /// A change contradicts a rule of the database.
    #[error("{rule}{}", Named(names))]
    Violation {
        /// The rule.
        rule: BrokenRule,
        /// The properties that it is about; empty if that is not known.
        names: Vec<String>,
    },
    /// The client accepts no available format.
    #[error("the resource is not available in a format that the Accept header accepts")]
    NotAcceptable,
    /// No entity has that key.
    #[error("there is no entity with this key")]
    NoSuchEntity,
    /// The request has a name or a password for the database, which the data source does not take.
    #[error(
        "ddcloud-datasource-user and ddcloud-datasource-password are not supported for this data source: its owner lets nobody sign \
         in to the database with a name and a password of a request"
    )]
    DatabaseLoginNotTaken,
    /// The name and the password for the database are not both there, once, or are none.
    #[error(
        "send ddcloud-datasource-user, with 1 to 255 bytes, and ddcloud-datasource-password, with 1 to 1,024 bytes, once each, in \
         UTF-8 without control characters"
    )]
    MalformedDatabaseLogin,
    /// Too many requests of the user are running and waiting.
    #[error("too many of your requests are running or waiting; try again shortly")]
    TooManyRequests,
    /// The request waited for its permit as long as a request may take.
    #[error("earlier requests of yours took too long; try again shortly")]
    WaitedTooLong,
    /// The database behind the source could not be read.
    #[error(transparent)]
    Source(SourceError),
    /// The server itself failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl DataRefusal {
    /// A sign-in that is not what a data source demands.
    pub(super) fn of_sign_in(unmet: Unmet, demands: StepUp) -> Self {
        match unmet {
            Unmet::SecondFactor => Self::SecondFactorMissing { max_age_secs: demands.max_age_secs },
            Unmet::Age(max_age_secs) => Self::SignInTooOld { max_age_secs },
        }
    }

    /// The sign-in with which the request would succeed; nothing is demanded by other refusals.
    pub fn step_up(&self) -> StepUp {
        match self {
            Self::SignInTooOld { max_age_secs } => {
                StepUp { max_age_secs: Some(*max_age_secs), second_factor: false }
            }
            Self::SecondFactorMissing { max_age_secs } => {
                StepUp { max_age_secs: *max_age_secs, second_factor: true }
            }
            _ => StepUp::default(),
        }
    }
}

struct Named<'a>(&'a [String]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(out, ": {}", self.0.join(", ")) }
    }
}

/// The kind of a source failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFailure {
    /// The same request may succeed shortly.
    Transient,
    /// The query takes too long.
    TooSlow,
    /// A row is too large.
    TooLarge,
    /// The database needs something that this server does not have.
    Unsupported,
    /// The database server does not answer; the request may succeed when it does.
    Down,
    /// The source names no role of its database for the user.
    NoRole,
    /// The user has no name and password for the database, which the source demands.
    NoLogin,
    /// The database refused the name or the password of the user.
    LoginRefused,
    /// So many were refused that the next attempt must wait for this number of seconds.
    TooManyLogins(u32),
    /// The user who has signed in to the database lacks a right there.
    Forbidden,
    /// The database did not say whether it has made a change.
    OutcomeUnknown,
    /// The source must be repaired.
    Unavailable,
}

impl DataRefusal {
    /// The kind of the source failure, if it is one.
    pub fn source_failure(&self) -> Option<SourceFailure> {
        let Self::Source(error) = self else { return None };
        Some(match error {
            SourceError::TimedOut => SourceFailure::TooSlow,
            SourceError::OutcomeUnknown { .. } => SourceFailure::OutcomeUnknown,
            SourceError::ValueTooLarge => SourceFailure::TooLarge,
            SourceError::Unsupported { .. } => SourceFailure::Unsupported,
            SourceError::NoDatabaseRole => SourceFailure::NoRole,
            SourceError::NoLogin => SourceFailure::NoLogin,
            SourceError::LoginRefused => SourceFailure::LoginRefused,
            SourceError::TooManyLogins { seconds } => SourceFailure::TooManyLogins(*seconds),
            SourceError::LoginLacksRight => SourceFailure::Forbidden,
            SourceError::Closed | SourceError::StructureChanged { .. } => SourceFailure::Transient,
            error if error.is_transient() => SourceFailure::Transient,
            error if error.is_of_absent_server() => SourceFailure::Down,
            _ => SourceFailure::Unavailable,
        })
    }

    /// Adds the place in the body of the request that it is about; the whole body if that is empty.
    #[must_use]
    pub(super) fn within(self, place: &str) -> Self {
        match self {
            Self::Request(error) => Self::Request(error.within(place)),
            Self::Violation { rule, names } if !place.is_empty() && names.is_empty() => {
                Self::Violation { rule, names: vec![place.to_owned()] }
            }
            Self::Violation { rule, names } if !place.is_empty() => {
                Self::Violation { rule, names: names.iter().map(|name| format!("{place}/{name}")).collect() }
            }
            other => other,
        }
    }

    /// Logs a failure of the source, including details that the caller must not see.
    pub(super) fn log(&self, record: &DataSource, request: &DataRequest<'_>) {
        if let Self::Source(error) = self {
            tracing::warn!(
                target: "odata",
                request_id = &*request.origin.request_id,
                data_source = record.id.get(),
                %error,
                detail = error.detail(),
                "a request for data failed"
            );
        }
    }
}

impl From<OpenRefusal> for DataRefusal {
    fn from(refusal: OpenRefusal) -> Self {
        match refusal {
            OpenRefusal::Unusable(error) => Self::Source(error),
            OpenRefusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<SourceError> for DataRefusal {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Unanswerable(reason) => Self::Request(reason.into()),
            error => Self::Source(error),
        }
    }
}

//! From SQLite's result codes to reasons.

use rusqlite::ErrorCode;

use crate::SourceError;

/// Why an operation on a database failed. What an interrupt means is known to the connection alone, so it is
/// [`SourceError::TimedOut`] here.
pub(super) fn failure(error: &rusqlite::Error) -> SourceError {
    let detail = error.to_string();
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        return SourceError::Failed { detail };
    };
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            SourceError::Locked
        }
        ErrorCode::NotADatabase => SourceError::NotADatabase,
        ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure => SourceError::Damaged { detail },
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => SourceError::Unreadable { detail },
        // A journal of an interrupted write lies beside the file, and only a writer can replay it.
        ErrorCode::ReadOnly if code.extended_code != rusqlite::ffi::SQLITE_READONLY => {
            SourceError::Unreadable { detail }
        }
        ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied => SourceError::ReadOnly,
        ErrorCode::OperationInterrupted => SourceError::TimedOut,
        ErrorCode::TooBig => SourceError::ValueTooLarge,
        _ => SourceError::Failed { detail },
    }
}

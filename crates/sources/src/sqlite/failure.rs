//! From SQLite's result codes to reasons.

use odata::statement::Unanswerable;
use rusqlite::{ErrorCode, ffi};

use crate::{BrokenRule, SourceError, Violation};

/// Why an operation on a database failed. Only the connection knows the meaning of an interrupt, so it is
/// [`SourceError::TimedOut`] here.
pub(super) fn failure(error: &rusqlite::Error) -> SourceError {
    let detail = error.to_string();
    let (code, words) = match error {
        rusqlite::Error::SqliteFailure(code, words) => (code, words.as_deref().unwrap_or_default()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg.as_str()),
        _ => return SourceError::Failed { detail },
    };
    if let Some(reason) = Unanswerable::with_message(words) {
        return SourceError::Unanswerable(reason);
    }
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            SourceError::Locked
        }
        ErrorCode::NotADatabase => SourceError::NotADatabase,
        ErrorCode::OutOfMemory | ErrorCode::DiskFull => SourceError::Exhausted { detail },
        ErrorCode::SystemIoFailure => match code.extended_code {
            ffi::SQLITE_IOERR_NOMEM => SourceError::Exhausted { detail },
            ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_RDLOCK | ffi::SQLITE_IOERR_SHMLOCK => {
                SourceError::Locked
            }
            _ => SourceError::Damaged { detail },
        },
        ErrorCode::DatabaseCorrupt => SourceError::Damaged { detail },
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => SourceError::Unreadable { detail },
        // There is a journal of an interrupted write beside the file, and only a writer can replay it.
        ErrorCode::ReadOnly if code.extended_code != ffi::SQLITE_READONLY => {
            SourceError::Unreadable { detail }
        }
        ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied => SourceError::ReadOnly,
        ErrorCode::OperationInterrupted => SourceError::TimedOut,
        ErrorCode::TooBig => SourceError::ValueTooLarge,
        ErrorCode::ConstraintViolation => SourceError::Violation(violation(code.extended_code, words)),
        ErrorCode::TypeMismatch => SourceError::Violation(Violation::of(BrokenRule::Value)),
        ErrorCode::SchemaChanged => SourceError::StructureChanged { detail },
        ErrorCode::Unknown => of_statement(code.extended_code, words, detail),
        _ => SourceError::Failed { detail },
    }
}

/// Why a change failed: a value may be beyond what a column can be generated from.
pub(super) fn failure_of_change(error: &rusqlite::Error) -> SourceError {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) if words == "integer overflow" => {
            SourceError::Violation(Violation::of(BrokenRule::Value))
        }
        _ => failure(error),
    }
}

/// The rule that a change breaks. The message names columns, but no value:
/// `UNIQUE constraint failed: Ships.Name, Ships.Flag`.
fn violation(extended_code: i32, message: &str) -> Violation {
    let rule = match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            BrokenRule::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => BrokenRule::Reference,
        // `ON DELETE RESTRICT` is a trigger of its own, with the same words.
        _ if message == "FOREIGN KEY constraint failed" => BrokenRule::Reference,
        ffi::SQLITE_CONSTRAINT_NOTNULL => BrokenRule::Missing,
        ffi::SQLITE_CONSTRAINT_DATATYPE => BrokenRule::Value,
        _ => BrokenRule::Condition,
    };
    if !matches!(rule, BrokenRule::Unique | BrokenRule::Missing) {
        return Violation::of(rule);
    }
    let named = message.split_once("failed: ").map_or("", |(_, named)| named);
    let columns = named.split(", ").filter_map(|name| name.split_once('.')).map(|(_, column)| column);
    Violation::about(rule, columns)
}

/// `SQLITE_ERROR` describes a fault of a statement only in words (only [a missing
/// collation](https://www.sqlite.org/rescode.html#error_missing_collseq) has a code).
fn of_statement(extended_code: i32, message: &str, detail: String) -> SourceError {
    const GONE: [&str; 4] = ["no such table", "no such column", "no such index", "has no column named"];
    const FOREIGN: [&str; 6] = [
        "no such function",
        "unknown function",
        "no such module",
        "no such collation sequence",
        "no query solution",
        "unsafe use of",
    ];
    let says = |words: &[&str]| words.iter().any(|words| message.starts_with(words));
    if extended_code == ffi::SQLITE_ERROR_MISSING_COLLSEQ || says(&FOREIGN) {
        SourceError::Unsupported { detail }
    } else if says(&GONE) {
        SourceError::StructureChanged { detail }
    } else {
        SourceError::Failed { detail }
    }
}

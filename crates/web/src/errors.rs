//! The error table of the management API: a stable number for each error, from which `docs/errors.md` is
//! generated.

use std::fmt::Write as _;

use http::StatusCode;

mod page_error;

pub use page_error::PageError;

macro_rules! errors {
    ($($name:ident = $code:literal, $statuses:literal, $when:literal;)+) => {
        /// An error of the management API. The number on the wire never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ManagementErrorCode {
            $(#[doc = $when] $name),+
        }

        impl ManagementErrorCode {
            /// Every error, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The number on the wire.
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $code),+ }
            }

            /// The name in the documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The statuses with which it is sent.
            pub const fn statuses(self) -> &'static str {
                match self { $(Self::$name => $statuses),+ }
            }

            /// When it is sent.
            pub const fn when(self) -> &'static str {
                match self { $(Self::$name => $when),+ }
            }
        }
    };
}

errors! {
    RegisterFailed = 222_206_628, "500, 503",
        "An application could not be registered, updated or given a secret; the server failed (HDP).";
    ListFailed = 222_206_631, "500, 503",
        "Applications, or what the caller has allowed, could not be read; the server failed (HDP).";
    DeleteFailed = 222_206_633, "500, 503",
        "An application, a secret or an allowed access could not be revoked; the server failed (HDP).";
    ResetFailed = 222_206_634, "500, 503",
        "A secret could not be reset; the server failed (HDP).";
    SourceUpdateFailed = 222_207_000, "500, 503",
        "A data source could not be created or changed; the server failed (HDP).";
    SourceReadFailed = 222_207_001, "500, 503",
        "Data sources could not be read; the server failed (HDP).";
    SourceOptionInvalid = 222_207_002, "400",
        "An option of a data source is wrong (HDP).";
    SourceUnreachable = 222_207_003, "400",
        "The database behind a data source cannot be used (HDP).";
    SourceUnknown = 222_207_004, "404",
        "There is no data source with that id, or it is somebody else's (HDP).";
    ConnectionTypeInvalid = 222_207_005, "400",
        "`connectionType` has another value than `Cloud` (HDP).";
    SourceDeleteFailed = 222_207_006, "500, 503",
        "A data source could not be deleted; the server failed (HDP).";
    InvalidJson = 222_207_007, "400",
        "The body is not acceptable JSON; the message names line and column (HDP).";
    ConnectionTypeFixed = 222_207_008, "400",
        "`connectionType` and `dataStore` cannot be changed (HDP).";
    MapInvalid = 222_207_009, "400",
        "`map` has another value than `refresh`, `recreate` or `none` (HDP).";
    ConnectionTypeMissing = 222_207_010, "400",
        "`connectionType` is missing (HDP).";
    PermissionMissing = 222_208_103, "403",
        "The caller lacks a permission, or the access token lacks the scope `api.mgmt` (HDP).";
    InvalidPayload = 222_298_001, "400",
        "Members of the payload are invalid; `error.details` lists them all.";
    InvalidParameter = 222_298_002, "400",
        "Parameters of the query are invalid; `error.details` lists them all.";
    CrossSite = 222_298_003, "403",
        "A changing request from a browser does not prove that it comes from our own pages: `X-CSRF-Token` is missing or wrong.";
    TwoLiveSecrets = 222_298_010, "409",
        "The application already has two live secrets; revoke one of them first.";
    LastSecret = 222_298_011, "409",
        "The only live secret of an application cannot be revoked; reset it instead.";
    PublicApplication = 222_298_012, "400",
        "A public application has no secret to add, revoke or reset.";
    NameTaken = 222_298_020, "400",
        "Another user, role or data source has the name.";
    LastAdministrator = 222_298_021, "400",
        "No active Administrator would remain.";
    StillInUse = 222_298_022, "400",
        "Users still have the role.";
    BuiltIn = 222_298_023, "400",
        "The roles Administrator and User are built in and cannot be deleted.";
    StillOwns = 222_298_024, "409",
        "The user to be deleted owns applications or data sources; the message lists them.";
    RightsChanged = 222_298_025, "409",
        "The caller's rights changed during the request; nothing was changed.";
    ScopeInUse = 222_298_026, "409",
        "Applications are registered for the scope to be deleted, or the resource server to be deleted has scopes; the message says how many.";
    BuiltInScope = 222_298_027, "400",
        "The scope or resource server is built in; only the description of a built-in scope may change.";
    TooMany = 222_298_028, "409",
        "No more can be added; the message says how many there are.";
    GroupOrNot = 222_298_029, "400",
        "The data source is a group, which has no database of its own, or it is none, and has no members.";
    AddressNotAllowed = 222_298_030, "403",
        "An allow-list does not contain the address of the request.";
    BadRequest = 222_299_400, "400",
        "The request is invalid in another way; the message says how.";
    NotAuthenticated = 222_299_401, "401",
        "No credentials, or wrong ones; the account may be locked.";
    NotFound = 222_299_404, "404",
        "There is nothing with that id, or it is somebody else's.";
    MethodNotAllowed = 222_299_405, "405",
        "The address does not support that method; `Allow` lists those that it supports.";
    RequestTimeout = 222_299_408, "408",
        "The body did not arrive in time.";
    PreconditionFailed = 222_299_412, "412",
        "What the request would overwrite has changed since it was read; read it again.";
    PayloadTooLarge = 222_299_413, "413",
        "The body is longer than the server accepts.";
    AddressTooLong = 222_299_414, "414",
        "Path and query are longer than the server accepts.";
    UnsupportedMediaType = 222_299_415, "415",
        "The body is not `application/json`, or it is compressed.";
    PreconditionRequired = 222_299_428, "428",
        "The request would overwrite something and must say with `If-Match` which version was read.";
    TooManyRequests = 222_299_429, "429",
        "Too many attempts; `Retry-After` says after how many seconds the next one is accepted.";
    ServerError = 222_299_500, "500",
        "The server failed; its log has the cause, with the id in `X-Request-Id`.";
    Unavailable = 222_299_503, "503",
        "The server cannot do this at present; nothing was changed.";
}

impl ManagementErrorCode {
    /// The error for a status without a more specific one.
    pub fn of_status(status: StatusCode) -> Self {
        let number = 222_299_000 + u32::from(status.as_u16());
        let fallback = if status.is_server_error() { Self::ServerError } else { Self::BadRequest };
        Self::ALL.iter().copied().find(|code| code.number() == number).unwrap_or(fallback)
    }

    /// The text of Hybrid Data Pipeline for a server failure, up to the point where our reason follows.
    pub(crate) const fn server_fault(self) -> &'static str {
        match self {
            Self::RegisterFailed => "Problem registering or changing the application",
            Self::ListFailed => "Problem retrieving the applications",
            Self::DeleteFailed => "Problem deleting or revoking",
            Self::ResetFailed => "Problem resetting the client secret",
            Self::SourceUpdateFailed => "Problem updating your DataSource at this time",
            Self::SourceReadFailed => "Problem retrieving your DataSource at this time",
            Self::SourceDeleteFailed => "Problem deleting your DataSource at this time",
            _ => "Problem carrying out the request",
        }
    }
}

/// The text of `docs/errors.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Errors of the management API\n\n\
         <!-- Generated from crates/web/src/errors.rs by `sluicegate generate-docs`; edit there. -->\n\n\
         Every error of `/api/mgmt` and `/api/admin`, except the OAuth endpoints, has this form, whatever the status:\n\n\
         ```json\n\
         {\"error\":{\"code\":222298001,\"message\":{\"lang\":\"en-US\",\"value\":\"name is 131 characters long; at most 128 are \
         allowed\"},\n\
         \x20         \"details\":[{\"field\":\"name\",\"message\":\"is 131 characters long; at most 128 are allowed\"}]}}\n\
         ```\n\n\
         The numbers are stable; the words are for people and may change. “HDP” marks the numbers of Hybrid Data Pipeline. \
         `details` is there where single members or parameters are at fault.\n\n\
         | code | name | status | when |\n| --- | --- | --- | --- |\n",
    );
    for code in ManagementErrorCode::ALL {
        // Writing into a string cannot fail.
        let _ =
            writeln!(text, "| {} | {} | {} | {} |", code.number(), code.name(), code.statuses(), code.when());
    }
    text.push_str(
        "\n## Error pages\n\n\
         What people see instead has the heading `#error-title`, whose attribute `data-error` is the id of the error, and the text \
         `#error-message`. `#error-code` is the error code of OAuth, if the authorization request of an application is at fault. Ids and \
         titles are stable.\n\n\
         | id | title | status | when |\n| --- | --- | --- | --- |\n",
    );
    for error in PageError::ALL {
        let (statuses, when) = error.when();
        let _ = writeln!(text, "| {} | {} | {statuses} | {when} |", error.id(), error.title());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_unique_and_in_order() {
        let numbers: Vec<u32> = ManagementErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        assert!(numbers.is_sorted());
    }

    #[test]
    fn a_status_without_an_error_uses_that_of_its_class() {
        assert_eq!(ManagementErrorCode::of_status(StatusCode::NOT_FOUND), ManagementErrorCode::NotFound);
        assert_eq!(ManagementErrorCode::of_status(StatusCode::IM_A_TEAPOT), ManagementErrorCode::BadRequest);
        assert_eq!(ManagementErrorCode::of_status(StatusCode::BAD_GATEWAY), ManagementErrorCode::ServerError);
    }

    #[test]
    fn the_reference_names_every_error() {
        let text = reference();
        assert!(ManagementErrorCode::ALL.iter().all(|code| text.contains(&code.number().to_string())));
    }
}

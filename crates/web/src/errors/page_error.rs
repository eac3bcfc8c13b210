//! The error table of the pages.

use http::StatusCode;

/// What an error page is about: an id and a title, both of which stay as they are. `docs/errors.md` is generated from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// The request of the browser or of an application is invalid.
    InvalidRequest,
    /// There is no such page.
    NotFound,
    /// A form came from a page of another site.
    OtherSite,
    /// A form was not rendered for this browser.
    StaleForm,
    /// A one-time link was used, has expired or was replaced.
    LinkOver,
    /// There were too many attempts.
    TooManyAttempts,
    /// The server failed.
    ServerError,
    /// The server cannot answer now.
    Unavailable,
}

impl PageError {
    /// Every error.
    pub const ALL: [Self; 8] = [
        Self::InvalidRequest,
        Self::NotFound,
        Self::OtherSite,
        Self::StaleForm,
        Self::LinkOver,
        Self::TooManyAttempts,
        Self::ServerError,
        Self::Unavailable,
    ];

    /// The id, in the attribute `data-error` of the heading.
    pub const fn id(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::NotFound => "not-found",
            Self::OtherSite => "other-site",
            Self::StaleForm => "stale-form",
            Self::LinkOver => "link-over",
            Self::TooManyAttempts => "too-many-attempts",
            Self::ServerError => "server-error",
            Self::Unavailable => "unavailable",
        }
    }

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "This request cannot be answered",
            Self::NotFound => "Nothing is here",
            Self::OtherSite => "This did not come from here",
            Self::StaleForm => "Please try again",
            Self::LinkOver => "This link does not work any more",
            Self::TooManyAttempts => "Too many attempts",
            Self::ServerError => "Something went wrong here",
            Self::Unavailable => "Not available at present",
        }
    }

    /// The statuses with which the page comes, and when.
    pub const fn when(self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidRequest => (
                "400, 405, 413, 414, 415",
                "The request is malformed, or an application's request breaks a rule; the page then names the error code of OAuth.",
            ),
            Self::NotFound => {
                ("404", "There is no page with that address, or it is about what belongs to another user.")
            }
            Self::OtherSite => ("403", "A page of another site sent the form; nothing was changed."),
            Self::StaleForm => {
                ("403", "The form was shown to another browser or session, or the browser keeps no cookies.")
            }
            Self::LinkOver => (
                "410",
                "A one-time link was used, has expired or was replaced, or there never was such a link.",
            ),
            Self::TooManyAttempts => {
                ("429", "`Retry-After` says after how many seconds the next attempt is accepted.")
            }
            Self::ServerError => ("500", "The server failed; its log has the cause."),
            Self::Unavailable => {
                ("503", "The server cannot answer now; `Retry-After` says when to try again.")
            }
        }
    }

    /// The error of a response that has no other.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyAttempts,
            StatusCode::INTERNAL_SERVER_ERROR => Self::ServerError,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => Self::InvalidRequest,
        }
    }
}

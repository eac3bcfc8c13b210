//! What is around the content of every page of the account.

use app::identity::caller::LiveSession;
use domain::secret::{CsrfToken, SessionCookie};

use super::Visit;

/// The navigation, the form that signs out, and the notice of requests that wait for the user.
pub(super) struct AccountFrame {
    /// The page in the navigation.
    pub(super) here: &'static str,
    csrf: CsrfToken,
    /// How many requests wait.
    pub(super) waiting: usize,
}

impl AccountFrame {
    /// The token for every form of the page.
    pub(super) fn csrf(&self) -> &str {
        self.csrf.expose()
    }

    /// The frame of a sample.
    #[cfg(test)]
    pub(super) fn sample(here: &'static str, waiting: usize) -> Self {
        Self { here, csrf: CsrfToken::new("c"), waiting }
    }
}

impl Visit {
    /// The frame of a page. A failure hides the notice of requests, not the page.
    pub(super) async fn account_frame(
        &self,
        here: &'static str,
        live: &LiveSession,
        cookie: &SessionCookie,
    ) -> AccountFrame {
        let waiting = match self.backchannel.waiting(live).await {
            Ok(waiting) => waiting.len(),
            Err(cause) => {
                cause.note("the requests to a user cannot be read");
                0
            }
        };
        self.account_frame_with(here, cookie, waiting)
    }

    /// The frame of a page that knows how many requests wait.
    pub(super) fn account_frame_with(
        &self,
        here: &'static str,
        cookie: &SessionCookie,
        waiting: usize,
    ) -> AccountFrame {
        AccountFrame { here, csrf: self.csrf_token(cookie.expose()), waiting }
    }
}

//! The identifier of a user for an application.

use domain::account::User;
use oauth::application::Application;
use oauth::oidc::subject;

/// `sub` of the user for the application.
pub(crate) fn subject_of(user: &User, application: &Application) -> String {
    subject::identifier(vault::sha256(&subject::preimage(&user.subject_seed, application)))
}

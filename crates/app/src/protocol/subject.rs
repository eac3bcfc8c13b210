//! The identifier of a user for an application.

use domain::account::User;
use domain::account::attributes::SubjectSeed;
use oauth::application::Application;
use oauth::oidc::subject;

/// `sub` of the user for the application.
pub(crate) fn subject_of(user: &User, application: &Application) -> String {
    of_seed(&user.subject_seed, application)
}

/// `sub` for the application, of the user with this seed, who may be deleted.
pub(crate) fn of_seed(seed: &SubjectSeed, application: &Application) -> String {
    subject::identifier(vault::sha256(&subject::preimage(seed, application)))
}

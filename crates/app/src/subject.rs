//! The identifier of a user for an application.

use domain::account::User;
use domain::account::attributes::SubjectSeed;
use domain::id::GrantId;
use oauth::application::Application;
use oauth::oidc::subject;
use oauth::scope::{BuiltInScope, ScopeSet};

/// `sub` of the user for the application.
pub(crate) fn subject_of(user: &User, application: &Application) -> String {
    of_seed(&user.subject_seed, application)
}

/// `sub` of a token of the application, if it names its user by the identifier of OpenID Connect.
pub(crate) fn identifier_in(
    scopes: &ScopeSet,
    grant: Option<GrantId>,
    user: &User,
    application: &Application,
) -> Option<String> {
    subject::names_the_user(scopes, grant, application).then(|| subject_of(user, application))
}

/// The same, as applications with public subjects see it.
pub(crate) fn public_identifier_in(scopes: &ScopeSet, grant: Option<GrantId>, user: &User) -> Option<String> {
    let is_named = grant.is_some() && scopes.contains(BuiltInScope::OpenId);
    is_named.then(|| subject::identifier(vault::sha256(&subject::public_preimage(&user.subject_seed))))
}

/// `sub` for the application, of the user with this seed, who may be deleted.
pub(crate) fn of_seed(seed: &SubjectSeed, application: &Application) -> String {
    subject::identifier(vault::sha256(&subject::preimage(seed, application)))
}

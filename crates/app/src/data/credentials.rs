//! The names and passwords that users have stored for the databases of data sources.

use domain::account::{DataSource, SealedOption};
use domain::id::UserId;
use sources::Login;
use sources::server::place_of;
use vault::Vault;

/// The option under which the credentials of a user are sealed, so that nobody else's open as them.
fn option_of(user: UserId) -> String {
    format!("credentials of {user}")
}

/// Seals a name and a password for a user and for the database to which the data source leads now.
pub(crate) fn sealed(vault: &Vault, record: &DataSource, user: UserId, login: &Login) -> SealedOption {
    vault.seal_source_option(record.id, &option_of(user), &login.to_be_stored(&place_of(&record.options)))
}

/// What a user has stored for the database of a data source, if that is still the same database: whoever changes the data source
/// must not receive passwords elsewhere.
pub(crate) fn opened(
    vault: &Vault,
    record: &DataSource,
    user: UserId,
    sealed: &SealedOption,
) -> Option<Login> {
    let text = vault.open_source_option(record.id, &option_of(user), sealed).ok()?;
    Login::stored(&text, &place_of(&record.options))
}

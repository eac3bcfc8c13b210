//! What a data source learns of the user for whom it is read, and how that user signs in to its database.

use std::sync::Arc;

use domain::account::DataSource;
use domain::id::UserId;
use sources::{Login, LoginAttempts, RequestUser, Source, SourceError, UserLogin, UserLogins};

use super::authorization::DataGrant;
use super::{DataRefusal, DataService};
use crate::data::credentials;
use crate::identity::caller::{Caller, DatabaseLogin};
use crate::{Context, Fault};

/// The attempts of a user to sign in to databases.
struct OwnAttempts {
    context: Arc<Context>,
    user: UserId,
}

impl LoginAttempts for OwnAttempts {
    fn begin(&self) -> Result<(), u32> {
        self.context.rates.begin_database_login(self.user, self.context.now())
    }

    fn was_not_refused(&self) {
        self.context.rates.database_login_was_not_refused(self.user);
    }
}

/// Refuses a name and a password for the database where the data source does not take them: without them the answer would be what
/// somebody else may read. A group leaves them to its members.
pub(super) fn login_is_taken(caller: &Caller, record: &DataSource) -> Result<(), DataRefusal> {
    let Some(login) = caller.database_login().filter(|_| !record.is_group()) else { return Ok(()) };
    if !UserLogins::of(&record.options).of_requests {
        return Err(DataRefusal::DatabaseLoginNotTaken);
    }
    match login {
        DatabaseLogin::Given(_) => Ok(()),
        DatabaseLogin::Malformed => Err(DataRefusal::MalformedDatabaseLogin),
    }
}

impl DataService {
    /// The user for whom a source is read or changed, if its statements have the rights of users.
    pub(super) async fn request_user(
        &self,
        grant: DataGrant<'_>,
        source: &Source,
    ) -> Result<Option<Arc<RequestUser>>, DataRefusal> {
        if !source.needs_user() {
            return Ok(None);
        }
        let user = grant.user();
        let login =
            if source.user_logins().is_demanded() { Some(self.login(grant, source).await?) } else { None };
        let subject = user.id.get().to_string();
        Ok(Some(Arc::new(RequestUser { subject, name: user.name.clone(), login })))
    }

    /// The name and the password of the caller for the database of a source that demands them.
    async fn login(&self, grant: DataGrant<'_>, source: &Source) -> Result<UserLogin, DataRefusal> {
        let logins = source.user_logins();
        let login = match grant.caller.database_login() {
            Some(DatabaseLogin::Given(login)) if logins.of_requests => Some(login.clone()),
            _ if logins.stored => self.stored_login(grant).await?,
            _ => None,
        };
        let login = login.ok_or(SourceError::NoLogin)?;
        let (context, user) = (Arc::clone(&self.context), grant.user().id);
        Ok(UserLogin { login, attempts: Arc::new(OwnAttempts { context, user }) })
    }

    /// The name and the password that the caller has stored, if the data source still leads to the same database.
    async fn stored_login(&self, grant: DataGrant<'_>) -> Result<Option<Login>, DataRefusal> {
        let user = grant.user().id;
        let sealed = self.context.store.find_credentials(grant.record.id, user).await.map_err(Fault::from)?;
        Ok(sealed.and_then(|sealed| credentials::opened(&self.context.vault, grant.record, user, &sealed)))
    }

    /// Records that the database has refused the name or the password of a caller.
    pub(super) async fn note_refused_login(
        &self,
        grant: DataGrant<'_>,
        refusal: &DataRefusal,
    ) -> Result<(), DataRefusal> {
        if let DataRefusal::Source(SourceError::LoginRefused) = refusal {
            let why = "the database refused the name or the password of the user";
            self.audit_refusal(grant.caller, why, Some(&grant.record.name), grant.origin).await?;
        }
        Ok(())
    }
}

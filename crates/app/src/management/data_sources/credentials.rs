//! The name and the password that a user stores for the database of a data source. They are never shown again.

use domain::account::{DataSource, Permission, SealedOption};
use domain::audit::Action;
use domain::id::{DataSourceId, UserId};
use sources::options::Secret;
use sources::{Login, UserLogins};

use super::{DataSourceError, DataSourceService};
use crate::data::credentials::{opened, sealed};
use crate::identity::acting::Actor;
use crate::identity::caller::{RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::management::administration::FieldFault;

/// A name and a password as they are given.
#[derive(Debug)]
pub struct CredentialsDraft {
    user: String,
    password: Secret,
}

impl CredentialsDraft {
    /// This name and this password.
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: Secret::new(password.to_owned()) }
    }

    /// The login, if it can be one.
    fn checked(&self) -> Result<Login, DataSourceError> {
        let login = Login::new(&self.user, self.password.expose().to_owned().into());
        login.ok_or_else(|| {
            let message =
                "must have 1 to 255 bytes, and password 1 to 1,024 bytes, both without control characters";
            DataSourceError::Invalid(vec![FieldFault::new("user", message)])
        })
    }
}

/// A data source with whose database the user may have stored a name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceWithLogin {
    /// Its id.
    pub id: DataSourceId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Whether it takes what users store.
    pub takes_stored: bool,
    /// What the user has stored.
    pub stored: StoredLogin,
}

/// What a user has stored for the database of a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredLogin {
    /// Nothing.
    Nothing,
    /// A name and a password.
    Usable,
    /// A name and a password for another database, to which the data source led before.
    ForAnotherDatabase,
}

/// The number of data sources in one read.
const ROWS: u32 = 500;

impl DataSourceService {
    /// The data sources of the user that take stored names and passwords, or for which the user has stored some, by id: those after
    /// `after`, at most `limit`.
    ///
    /// # Errors
    /// [`DataSourceError::Forbidden`] without `ViewDataSource`.
    pub async fn sources_with_logins(
        &self,
        actor: &Actor,
        after: Option<DataSourceId>,
        limit: usize,
        origin: &RequestOrigin,
    ) -> Result<Vec<SourceWithLogin>, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let user = actor.subject().user.id;
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            let records = self.context.store.page_of_data_sources(Some(user), after, ROWS).await?;
            // Who may not read a data source has stored nothing for it, so these are among the records or behind them.
            let stored = self.context.store.list_credentials(user, after, ROWS).await?;
            after = records.last().map(|record| record.id);
            for record in &records {
                if UserLogins::of(&record.options).stored || stored.contains(&record.id) {
                    found.push(self.with_login(user, record).await?);
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
            if records.len() < ROWS as usize {
                return Ok(found);
            }
        }
    }

    /// One of them; `None` if it is none.
    ///
    /// # Errors
    /// As those of [`to_sign_in`](Self::to_sign_in).
    pub async fn source_with_login(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<Option<SourceWithLogin>, DataSourceError> {
        let record = self.to_sign_in(actor, id, origin).await?;
        let user = actor.subject().user.id;
        // An administrator sees others too, but stores nothing for them.
        if !record.is_readable_by(user) {
            return Ok(None);
        }
        let found = self.with_login(user, &record).await?;
        Ok((found.takes_stored || found.stored != StoredLogin::Nothing).then_some(found))
    }

    async fn with_login(
        &self,
        user: UserId,
        record: &DataSource,
    ) -> Result<SourceWithLogin, DataSourceError> {
        let stored = match self.context.store.find_credentials(record.id, user).await? {
            None => StoredLogin::Nothing,
            Some(sealed) if opened(&self.context.vault, record, user, &sealed).is_some() => {
                StoredLogin::Usable
            }
            Some(_) => StoredLogin::ForAnotherDatabase,
        };
        Ok(SourceWithLogin {
            id: record.id,
            name: record.name.clone(),
            description: record.description.clone(),
            takes_stored: UserLogins::of(&record.options).stored,
            stored,
        })
    }

    /// Stores the name and the password of the user for the database of a data source.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing has changed then.
    pub async fn store_credentials(
        &self,
        actor: &Actor,
        id: DataSourceId,
        draft: &CredentialsDraft,
        origin: &RequestOrigin,
    ) -> Result<(), DataSourceError> {
        let record = self.to_sign_in(actor, id, origin).await?;
        if !UserLogins::of(&record.options).stored {
            let message = "is not taken: the option UserCredentials of the data source is neither stored nor requestOrStored";
            return Err(DataSourceError::Invalid(vec![FieldFault::new("user", message)]));
        }
        let sealed = sealed(&self.context.vault, &record, actor.subject().user.id, &draft.checked()?);
        self.change_credentials(actor, &record, Some(sealed), Action::StoreCredentials, origin).await
    }

    /// Deletes them.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing has changed then.
    pub async fn delete_credentials(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<(), DataSourceError> {
        let record = self.to_sign_in(actor, id, origin).await?;
        self.change_credentials(actor, &record, None, Action::DeleteCredentials, origin).await
    }

    /// The data source to whose database the user signs in. Nobody but the operator of the machine stores credentials for somebody
    /// else.
    ///
    /// # Errors
    /// [`DataSourceError::Unknown`] if the user may not see it, [`DataSourceError::Forbidden`] on behalf of another user.
    pub async fn to_sign_in(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<DataSource, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let record = super::has_database(self.visible_source(actor, id, origin).await?)?;
        let is_own = actor.subject().user.id == actor.caller().account().user.id;
        if is_own || *actor.caller().via() == Via::CommandLine {
            return Ok(record);
        }
        self.refuse_source_access(actor, "credentials of another user".to_owned(), origin).await?;
        Err(DataSourceError::Forbidden)
    }

    async fn change_credentials(
        &self,
        actor: &Actor,
        record: &DataSource,
        sealed: Option<SealedOption>,
        action: Action,
        origin: &RequestOrigin,
    ) -> Result<(), DataSourceError> {
        let audit = self.audit_source(actor, action, &record.name, origin);
        let user = actor.subject().user.id;
        let changed = self.context.store.change_credentials(record.id, user, sealed, audit).await?;
        Refusals::of(&self.context).judged(actor.caller(), changed, origin).await?;
        Ok(())
    }
}

//! Sharing of data sources.
//!
//! Sharing lets a user see the source and read its data, no more. A caller who may see users gets their
//! names; others get the numbers that they already know.

use super::DataSourceService;
use crate::Context;
use crate::identity::refusals::Refusals;
use std::sync::Arc;

use domain::account::Permission;
use domain::account::data_source::MOST_SHARED_USERS;
use domain::audit::Action;
use domain::id::{DataSourceId, UserId};

use super::DataSourceError;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::management::administration::FieldFault;
use crate::management::lists::{ListRequest, PageRange, Rows, read};

/// A reference to a user, by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserReference {
    /// The number.
    Id(UserId),
    /// The name, compared ignoring case.
    Name(String),
}

/// A change to the list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharingChange {
    /// Share with exactly these users.
    With(Vec<UserReference>),
    /// Also share with these users.
    Also(Vec<UserReference>),
    /// Stop sharing with this user; it is not an error if the user is not in the list.
    Without(UserId),
}

/// A user with whom a source is shared.
pub type SharedUser = (UserId, Option<String>);

impl DataSourceService {
    /// Lists the users with whom a data source is shared, by id, page by page. Only a caller who may see users can
    /// search them.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Forbidden` for those with whom it is only shared.
    pub async fn shared_users(
        &self,
        actor: &Actor,
        id: DataSourceId,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Result<Rows<SharedUser>, DataSourceError> {
        self.managed_source(actor, id, Permission::ViewDataSource, origin).await?;
        if request.query.is_some() && !actor.caller().may(Permission::ViewUsers) {
            self.refuse_source_access(actor, "lacks ViewUsers".to_owned(), origin).await?;
            return Err(DataSourceError::Forbidden);
        }
        Ok(self.users_of(actor, id, request, origin).while_either_may(Permission::ViewDataSource))
    }

    fn users_of(
        &self,
        actor: &Actor,
        id: DataSourceId,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Rows<SharedUser> {
        let tells_names = actor.caller().may(Permission::ViewUsers);
        let rows = Rows::of_actor(
            &self.context,
            actor,
            request,
            origin,
            move |context: Arc<Context>, page: PageRange| async move {
                let after = page.after.map(UserId::new);
                let users = read(context.store.list_shares(id, after, page.rows).await)?;
                let users: Vec<SharedUser> =
                    users.into_iter().map(|(user, name)| (user, tells_names.then_some(name))).collect();
                let chunk = page.chunk(users, |(user, _)| user.get());
                Ok(chunk.searched(&page, |(_, name): &SharedUser| name.as_deref().into_iter().collect()))
            },
        );
        if tells_names { rows.while_caller_may(Permission::ViewUsers) } else { rows }
    }

    /// Changes with whom a data source is shared, and returns the new list.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing has changed then.
    pub async fn share(
        &self,
        actor: &Actor,
        id: DataSourceId,
        sharing: SharingChange,
        origin: &RequestOrigin,
    ) -> Result<Rows<SharedUser>, DataSourceError> {
        let record = self.to_change(actor, id, origin).await?;
        let sharing = match sharing {
            SharingChange::With(named) => store::Sharing::With(self.resolve(&named).await?),
            SharingChange::Also(named) => store::Sharing::Also(self.resolve(&named).await?),
            SharingChange::Without(user) => store::Sharing::Without(user),
        };
        let mut audit = self.audit_source(actor, Action::ShareDataSource, &record.name, origin);
        let message = in_words(&sharing);
        audit.detail = Some(match audit.detail {
            Some(detail) => format!("{message}; {detail}"),
            None => message,
        });
        Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.share_data_source(id, sharing, audit).await?, origin)
            .await?;
        self.context.entities.forget_data_sources();
        let users = self.users_of(actor, id, ListRequest::default(), origin);
        Ok(users.while_either_may(Permission::ModifyDataSource))
    }

    async fn resolve(&self, named: &[UserReference]) -> Result<Vec<UserId>, DataSourceError> {
        if named.len() > MOST_SHARED_USERS {
            let message = format!("has {} entries; at most {MOST_SHARED_USERS} are allowed", named.len());
            return Err(DataSourceError::Invalid(vec![FieldFault::new("sharedUsers", message)]));
        }
        let mut ids = Vec::with_capacity(named.len());
        let mut faults = Vec::new();
        for (at, reference) in named.iter().enumerate() {
            let found = match reference {
                UserReference::Id(id) => self.context.store.find_user(*id).await?,
                UserReference::Name(name) => self.context.store.find_user_by_name(name).await?,
            };
            match found {
                Some(user) => ids.push(user.id),
                None => {
                    faults.push(FieldFault::new(
                        format!("sharedUsers[{at}]"),
                        "names a user that does not exist",
                    ));
                }
            }
        }
        if faults.is_empty() { Ok(ids) } else { Err(DataSourceError::Invalid(faults)) }
    }
}

/// The maximum number of users that an audit event names.
const MOST_NAMED: usize = 100;

/// The change in words, for the audit log.
fn in_words(sharing: &store::Sharing) -> String {
    let listed = |users: &[UserId]| {
        let mut words: Vec<String> = users.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        if let Some(more) = users.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            words.push(format!("and {more} more"));
        }
        words.join(" ")
    };
    match sharing {
        store::Sharing::With(users) => format!("shared with: {}", listed(users)),
        store::Sharing::Also(users) => format!("shared also with: {}", listed(users)),
        store::Sharing::Without(user) => format!("no longer shared with: {user}"),
    }
}

//! The entity cache: applications, users, roles, data sources and limits, kept in memory so that a check
//! needs no read of the system database. An entry is dropped when this node changes the record, and when the
//! change feed says that another node did. Nothing is taken from the cache while it is stale: a node that is
//! cut off from its database neither accepts nor issues tokens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::account::{DataSource, Permission, Rights, Role, User};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, DataSourceId, GrantId, UserId};
use domain::limit::Limit;
use domain::secret::Digest;
use oauth::application::Application;
use oauth::cors::OriginPattern;
use oauth::grant::Grant;
use oauth::personal_access_token::PersonalAccessToken;
use oauth::scope::{ScopeRegistry, ScopeSet};
use quick_cache::sync::Cache;
use store::{StoreError, Versions, fold_name};

use crate::node::feed::ChangeFeed;
use crate::{Context, Fault};

mod allow_lists;
mod grants;
mod remembered;
mod scopes;
mod trusted_issuers;

use allow_lists::CachedAllowLists;
use grants::CachedSignIn;
pub use grants::SignIn;
pub(crate) use grants::StoredGrants;
use remembered::KeyedCache;
pub(crate) use trusted_issuers::CachedIssuers;

/// The cached entities, by their keys.
pub struct EntityCache {
    applications: KeyedCache<ClientId, Application>,
    scopes: KeyedCache<ApplicationId, ScopeSet>,
    users: KeyedCache<UserId, Account>,
    /// Data sources by folded name.
    named_data_sources: KeyedCache<String, DataSource>,
    /// Data sources by id; those that were deleted too, because old grants name them.
    data_sources: KeyedCache<DataSourceId, Option<Arc<DataSource>>>,
    /// Personal access tokens by digest; they change with the users.
    personal_access_tokens: KeyedCache<[u8; 32], PersonalAccessToken>,
    grants: Cache<GrantId, Grant>,
    /// The sign-ins of grants, which never change.
    sign_ins: Cache<GrantId, CachedSignIn>,
    limits: RwLock<Option<Limits>>,
    trusted_origins: RwLock<Option<Arc<Vec<OriginPattern>>>>,
    scope_registry: RwLock<Option<Arc<ScopeRegistry>>>,
    trusted_issuers: RwLock<Option<CachedIssuers>>,
    allow_lists: RwLock<Option<CachedAllowLists>>,
    limits_drops: AtomicU64,
    /// Whether an origin belongs to an application.
    origins: KeyedCache<String, bool>,
    seen: RwLock<Versions>,
}

/// The limits that are set.
type Limits = Arc<Vec<(Limit, i64)>>;

/// A user with the permissions of all roles.
#[derive(Debug, Clone)]
pub struct Account {
    /// The stored user; the failure counters may be older than those in the database.
    pub user: User,
    /// The permissions of all roles together; sorted, without repetition.
    pub permissions: Vec<Permission>,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// Whether a role demands a second factor.
    pub requires_second_factor: bool,
}

impl Account {
    /// Whether a role demands a second factor that the user does not have.
    pub fn lacks_second_factor(&self) -> bool {
        self.requires_second_factor && !self.user.has_second_factor
    }

    /// Whether a role of the user has the permission; an Administrator may do everything.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission) || self.is_administrator()
    }

    /// The rights of the user, as this node knows them.
    pub(crate) fn rights(&self) -> Rights {
        Rights { user: self.user.id, epoch: self.user.epoch, permissions: self.permissions.clone() }
    }

    /// Whether a role of the user has [`Permission::Administrator`].
    pub fn is_administrator(&self) -> bool {
        self.permissions.contains(&Permission::Administrator)
    }
}

impl Default for EntityCache {
    fn default() -> Self {
        Self {
            applications: KeyedCache::new(10_000),
            scopes: KeyedCache::new(10_000),
            users: KeyedCache::new(10_000),
            named_data_sources: KeyedCache::new(1_000),
            data_sources: KeyedCache::new(1_000),
            personal_access_tokens: KeyedCache::new(10_000),
            grants: Cache::new(10_000),
            sign_ins: Cache::new(10_000),
            limits: RwLock::default(),
            trusted_origins: RwLock::default(),
            scope_registry: RwLock::default(),
            trusted_issuers: RwLock::default(),
            allow_lists: RwLock::default(),
            limits_drops: AtomicU64::default(),
            origins: KeyedCache::new(10_000),
            seen: RwLock::default(),
        }
    }
}

impl EntityCache {
    /// Drops everything whose version has changed, and returns the other changes. They are reported again
    /// until [`EntityCache::caught_up`], so that a poll that fails half way loses nothing.
    pub(crate) fn catch_up(&self, now: Versions) -> Outdated {
        let seen = *self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if seen.applications != now.applications {
            self.forget_applications();
        }
        if seen.users != now.users || seen.roles != now.roles {
            self.forget_users();
        }
        if seen.data_sources != now.data_sources {
            self.forget_data_sources();
        }
        if seen.limits != now.limits {
            self.forget_limits();
        }
        Outdated {
            keys: seen.keys != now.keys,
            users: seen.users != now.users,
            data_sources: seen.data_sources != now.data_sources,
        }
    }

    /// Records that all changes up to these versions were processed.
    pub(crate) fn caught_up(&self, now: Versions) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Drops every application. Their entries contain the names of their owners.
    pub(crate) fn forget_applications(&self) {
        self.applications.forget();
        self.scopes.forget();
        self.origins.forget();
    }

    /// Drops the cached origins, because a new application may have added one.
    pub(crate) fn forget_origins(&self) {
        self.origins.forget();
    }

    /// Drops every user, and their personal access tokens.
    pub(crate) fn forget_users(&self) {
        self.users.forget();
        self.personal_access_tokens.forget();
    }

    /// Drops every data source.
    pub(crate) fn forget_data_sources(&self) {
        self.named_data_sources.forget();
        self.data_sources.forget();
    }

    /// Drops the limits, the lists of trusted origins and issuers, the allow-lists, and the registry of scopes.
    pub(crate) fn forget_limits(&self) {
        self.limits_drops.fetch_add(1, Ordering::AcqRel);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.trusted_origins.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.scope_registry.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.trusted_issuers.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.allow_lists.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The list of trusted origins, cached or read.
    pub(crate) async fn trusted_origins(
        &self,
        read: impl AsyncFnOnce() -> Result<Vec<OriginPattern>, StoreError>,
    ) -> Result<Arc<Vec<OriginPattern>>, StoreError> {
        let remembered = self.trusted_origins.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(list) = remembered {
            return Ok(list);
        }
        let drops = self.limits_drops.load(Ordering::Acquire);
        let list = Arc::new(read().await?);
        let mut remembered = self.trusted_origins.write().unwrap_or_else(PoisonError::into_inner);
        if self.limits_drops.load(Ordering::Acquire) == drops {
            *remembered = Some(list.clone());
        }
        Ok(list)
    }

    /// The cached origins of applications.
    pub(crate) fn origins(&self) -> &KeyedCache<String, bool> {
        &self.origins
    }
}

/// What has changed and must be processed outside the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outdated {
    /// Ring keys were added or deleted.
    pub(crate) keys: bool,
    /// A user changed, so verified credentials must be dropped.
    pub(crate) users: bool,
    /// A data source changed, so opened ones must be reviewed.
    pub(crate) data_sources: bool,
}

/// The records of the system database, from the cache where it has them.
#[derive(Clone, Copy)]
pub(crate) struct Entities<'a> {
    context: &'a Context,
}

component!(Entities);

impl Entities<'_> {
    /// Finds an application by client id, cached or read. If its profile is more permissive than the server
    /// now allows, the minimum profile of the server applies.
    pub(crate) async fn application_by_client_id(
        self,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Application>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || {
            let found = self.context.store.find_application_by_client_id(client_id).await?;
            Ok(found.map(|mut application| {
                let profile = &mut application.settings.profile;
                *profile = self.context.settings.minimum_profile.max(*profile);
                application
            }))
        };
        self.context.entities.applications.get_or_read(client_id, read).await
    }

    /// The current scopes of the application, cached or read; `None` if it was deleted.
    pub(crate) async fn current_scopes(self, id: ApplicationId) -> Result<Option<Arc<ScopeSet>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || {
            let found = self.context.store.find_application(id).await?;
            Ok(found.map(|application| application.settings.scopes))
        };
        self.context.entities.scopes.get_or_read(&id, read).await
    }

    /// Finds a user by id, with permissions, cached or read.
    pub(crate) async fn account(self, id: UserId) -> Result<Option<Arc<Account>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || match self.context.store.find_user(id).await? {
            Some(user) => Ok(Some(self.with_permissions(user).await?)),
            None => Ok(None),
        };
        self.context.entities.users.get_or_read(&id, read).await
    }

    /// Finds a personal access token by its digest, cached or read.
    pub(crate) async fn personal_access_token(
        self,
        digest: &Digest,
    ) -> Result<Option<Arc<PersonalAccessToken>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || self.context.store.find_personal_access_token(digest).await;
        self.context.entities.personal_access_tokens.get_or_read(digest.as_bytes(), read).await
    }

    /// Adds to an event the user whose access it is about, and returns the user. A deleted user is only
    /// recorded by id.
    pub(crate) async fn name_user(self, event: &mut NewAuditEvent, user: UserId) -> Option<Arc<Account>> {
        event.actor = Some(user);
        let account = self.account(user).await.ok().flatten();
        event.actor_name = account.as_ref().map(|account| account.user.name.clone());
        account
    }

    /// Whether somebody who runs this server answers for an application: an Administrator registered it, and still owns it.
    pub(crate) async fn is_verified(self, application: &Application) -> Result<bool, Fault> {
        if !application.was_registered_by_its_owner() {
            return Ok(false);
        }
        let owner = self.account(application.owner).await?;
        Ok(owner.is_some_and(|owner| owner.is_administrator()))
    }

    /// Adds the permissions of the user's roles.
    pub(crate) async fn with_permissions(self, user: User) -> Result<Account, StoreError> {
        let roles: Vec<Role> = self.context.store.list_roles().await?;
        let own = || roles.iter().filter(|role| user.roles.contains(&role.id));
        let mut permissions: Vec<Permission> =
            own().flat_map(|role| role.permissions.iter().copied()).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let requires_second_factor = own().any(|role| role.requires_second_factor);
        let roles = own().map(|role| role.name.clone()).collect();
        Ok(Account { user, permissions, roles, requires_second_factor })
    }

    /// Finds a data source by name, ignoring case, cached or read.
    pub(crate) async fn data_source_by_name(self, name: &str) -> Result<Option<Arc<DataSource>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let folded = fold_name(name);
        let read = async || self.context.store.find_data_source_by_name(name).await;
        self.context.entities.named_data_sources.get_or_read(&folded, read).await
    }

    /// Finds the data source of each name, ignoring case. Those that are not cached are read at once, because anybody may ask
    /// for many.
    pub(crate) async fn data_sources_by_names(
        self,
        names: &[String],
    ) -> Result<Vec<Option<Arc<DataSource>>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let folded: Vec<String> = names.iter().map(|name| fold_name(name)).collect();
        let read = async |missing: &[String]| {
            let found = self.context.store.find_data_sources_by_names(missing).await?;
            Ok(found.into_iter().map(|source| (fold_name(&source.name), source)).collect())
        };
        self.context.entities.named_data_sources.get_or_read_all(&folded, read).await
    }

    /// Finds a data source by id, cached or read.
    pub(crate) async fn data_source(self, id: DataSourceId) -> Result<Option<Arc<DataSource>>, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || Ok(Some(self.context.store.find_data_source(id).await?.map(Arc::new)));
        let found = self.context.entities.data_sources.get_or_read(&id, read).await?;
        Ok(found.and_then(|found| found.as_ref().clone()))
    }

    /// The data source, if there is one that the user may read; cached or read.
    pub(crate) async fn readable_source(
        self,
        id: DataSourceId,
        user: UserId,
    ) -> Result<Option<Arc<DataSource>>, StoreError> {
        Ok(self.data_source(id).await?.filter(|source| source.is_readable_by(user)))
    }

    /// The ids and names of all data sources that the user may read, by id.
    pub(crate) async fn all_readable_sources(
        self,
        user: UserId,
    ) -> Result<Vec<(DataSourceId, String)>, Fault> {
        let readable = self.context.store.list_data_sources(Some(user)).await?;
        Ok(readable.into_iter().map(|source| (source.id, source.name)).collect())
    }

    /// The value of the limit, or its default.
    pub(crate) async fn limit(self, limit: Limit) -> Result<i64, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let remembered = self.context.entities.limits.read().unwrap_or_else(PoisonError::into_inner).clone();
        let limits = match remembered {
            Some(limits) => limits,
            None => self.read_limits().await?,
        };
        let set = limits.iter().find(|(set, _)| *set == limit);
        Ok(set.map_or_else(|| limit.default_value(), |(_, value)| *value))
    }

    async fn read_limits(self) -> Result<Limits, StoreError> {
        let drops = self.context.entities.limits_drops.load(Ordering::Acquire);
        let limits = Arc::new(self.context.store.list_limits().await?);
        let mut remembered = self.context.entities.limits.write().unwrap_or_else(PoisonError::into_inner);
        if self.context.entities.limits_drops.load(Ordering::Acquire) == drops {
            *remembered = Some(limits.clone());
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_were_not_processed_are_reported_again() {
        let entities = EntityCache::default();
        let versions = Versions { keys: 1, ..Versions::default() };
        assert!(entities.catch_up(versions).keys);
        assert!(entities.catch_up(versions).keys, "the keys could not be read the first time");
        entities.caught_up(versions);
        assert!(!entities.catch_up(versions).keys);
    }
}

//! The contract of the system database: what is kept, and the operations that every backend offers.
//!
//! Each operation is one atomic unit. What must hold between a check and a write is inside the operation (a conditional
//! write whose zero-row result is an answer), so callers never check first and act later. What an operation has
//! acknowledged survives `kill -9` and power loss. Acts that end access return the [`Revocation`]s they appended, so
//! that the node can update its index before it answers; acts that change or refuse access take their
//! [`NewAuditEvent`] and write it in the same transaction.
//!
//! **Architecture invariant:** no OAuth error code, no HTTP and no SQL here, and nothing that tells one kind of
//! database from another.
//!
//! Start reading at [`Store`]; [`conformance`] is the suite that each backend passes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use oauth::account::{DataSource, Lockout, LockoutPolicy, Role, Session, User};
use oauth::application::{Application, ApplicationSettings, StoredSecret};
use oauth::audit::{AuditEvent, NewAuditEvent};
use oauth::grant::{Allowed, Consent, Grant, GrantOrigin};
use oauth::id::{
    ApplicationId, AuditId, ClientId, ConsentId, DataSourceId, Epoch, GrantId, RoleId, SecretId, SessionId, TokenId,
    UserId,
};
use oauth::limit::Limit;
use oauth::revocation::Revocation;
use oauth::scope::ScopeSet;
use oauth::secret::{Digest, PasswordHash};
use oauth::time::Timestamp;

mod error;

pub use error::StoreError;

/// What an operation will answer: boxed, so that backends can be chosen when the server starts.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The system database.
pub trait Store:
    Users + Applications + Grants + DataSources + Settings + Audit + Maintenance + Send + Sync + 'static
{
}

impl<T> Store for T where
    T: Users + Applications + Grants + DataSources + Settings + Audit + Maintenance + Send + Sync + 'static
{
}

/// An act was done, or a rule that only the database can judge refused it.
pub type Judged<T, Refusal> = Result<T, Refusal>;

// ---------------------------------------------------------------------------------------------------------------
// Users, roles, sessions

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub name: String,
    pub password: PasswordHash,
    pub active: bool,
    pub password_expires_at: Option<Timestamp>,
    pub roles: Vec<RoleId>,
    pub at: Timestamp,
}

/// What an update of a user changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    pub name: Option<String>,
    /// A new password ends the user's access, except for the session named in `keep_session`.
    pub password: Option<PasswordHash>,
    /// `Some(false)` ends the user's access.
    pub active: Option<bool>,
    pub password_expires_at: Option<Option<Timestamp>>,
    pub roles: Option<Vec<RoleId>>,
    /// Ends a lock and forgets the failures.
    pub unlock: bool,
    /// The session that lives on, moved to the new epoch.
    pub keep_session: Option<SessionId>,
    pub at: Timestamp,
    /// When the longest-lived token that this could end has expired.
    pub revocation_expires_at: Timestamp,
}

/// Why an act on users or roles was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRefusal {
    /// There is none of that id.
    Unknown,
    /// Another user or role has the name.
    NameTaken,
    /// No active Administrator would remain.
    LastAdministrator,
    /// A role that does not exist was named.
    UnknownRole,
    /// The role is built in, or users still have it.
    RoleInUse,
    /// The user still owns applications or data sources.
    StillOwns,
}

/// What became of the counter after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCounted {
    pub lockout: Lockout,
    /// Whether this very failure locked the account; then an event `LockAccount` was written.
    pub locked_now: bool,
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub user: UserId,
    pub user_epoch: Epoch,
    pub digest: Digest,
    pub auth_time: Timestamp,
    pub expires_at: Timestamp,
}

/// Users, their roles and their sessions.
pub trait Users {
    /// The user of that id.
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>>;
    /// The user of that name, compared without case.
    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>>;
    /// Users by id, after `after`, at most `limit`.
    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>>;
    /// Creates a user.
    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>>;
    /// Changes a user. Ending access grows the epoch, closes the sessions and appends a revocation.
    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>>;
    /// Deletes a user with sessions, consents and grants; refused while the user owns anything.
    fn delete_user(
        &self,
        id: UserId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, UserRefusal>>;
    /// Counts a failure of credentials, and locks the account when the policy says so. `audit` is the refused sign-in.
    fn count_sign_in_failure(
        &self,
        id: UserId,
        policy: LockoutPolicy,
        audit: NewAuditEvent,
    ) -> Answer<'_, FailureCounted>;
    /// Forgets the failures of a user who is not locked.
    fn forget_sign_in_failures(&self, id: UserId) -> Answer<'_, ()>;
    /// Replaces a password hash of old parameters; ends nothing. Only if the stored hash is still `old`.
    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()>;

    /// Every role, by id.
    fn list_roles(&self) -> Answer<'_, Vec<Role>>;
    /// Creates a role; `role.id` is ignored.
    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Replaces name, description and permissions of a role; an Administrator must remain.
    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Deletes a role that no user has and that is not built in.
    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>>;

    /// Opens a session; `audit` is the sign-in.
    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Session>;
    /// The session of that id, whether or not it is still good.
    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>>;
    /// Closes a session.
    fn delete_session(&self, id: SessionId, audit: NewAuditEvent) -> Answer<'_, ()>;
}

// ---------------------------------------------------------------------------------------------------------------
// Applications

/// An application to be registered.
#[derive(Debug, Clone)]
pub struct NewApplication {
    pub client_id: ClientId,
    pub owner: UserId,
    pub settings: ApplicationSettings,
    /// None for a public application.
    pub secret: Option<NewSecret>,
    pub at: Timestamp,
}

/// A secret to be stored.
#[derive(Debug, Clone)]
pub struct NewSecret {
    pub digest: Digest,
    pub hint: String,
    pub sealed: Option<Vec<u8>>,
}

/// Which applications to list, by id.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// Only those of this owner.
    pub owner: Option<UserId>,
    /// Only those after this id.
    pub after: Option<ApplicationId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Only those whose name or description contains it, compared without case.
    pub query: Option<String>,
}

/// Why an act on an application was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationRefusal {
    /// There is none of that id.
    Unknown,
    /// Two secrets are live already.
    TwoLiveSecrets,
    /// There is no live secret of that id.
    UnknownSecret,
    /// The last live secret cannot be ended; reset it instead.
    LastSecret,
    /// A public application has no secrets.
    Public,
}

/// Registered applications and their secrets.
pub trait Applications {
    /// The application of that id.
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>>;
    /// The application of that client id.
    fn find_application_by_client_id<'a>(&'a self, client_id: &'a ClientId) -> Answer<'a, Option<Application>>;
    /// Applications by id.
    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>>;
    /// Registers an application.
    fn insert_application(&self, new: NewApplication, audit: NewAuditEvent) -> Answer<'_, Application>;
    /// Replaces the settings.
    fn update_application(
        &self,
        id: ApplicationId,
        settings: ApplicationSettings,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Deletes an application; its consents, grants, codes and tokens are dead at once.
    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>>;
    /// Replaces all secrets by a new one and ends all access: consents, grants, codes and tokens are dead at once.
    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>>;
    /// Adds a second live secret; the older one expires at `older_expires_at`. Ends no access.
    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Ends one of two live secrets; the other lives on without expiry.
    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
}

// ---------------------------------------------------------------------------------------------------------------
// Consents, grants, revocations

/// A grant to be founded.
#[derive(Debug, Clone)]
pub struct NewGrant {
    pub application: ApplicationId,
    pub application_epoch: Epoch,
    pub user: UserId,
    pub user_epoch: Epoch,
    pub origin: GrantOrigin,
    /// The consent behind a code; founding fails when it has ended.
    pub consent: Option<ConsentId>,
    pub scopes: ScopeSet,
    pub refreshable: bool,
    pub key: u32,
    pub at: Timestamp,
    /// None while a refresh token lives.
    pub expires_at: Option<Timestamp>,
}

/// What founding a grant came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founded {
    /// There is a new grant.
    Grant(GrantId),
    /// The code was redeemed before: the grant that it founded, and all its tokens, were ended.
    Replayed(Vec<Revocation>),
    /// The consent has ended, or the application's or user's epoch has grown: what it rests on is gone.
    Gone,
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The grant is now one generation further.
    Done,
    /// Somebody else rotated or revoked it meanwhile; load it again and decide anew.
    Lost,
}

/// Consents, grants and what ended them.
pub trait Grants {
    /// The consent of that pair that still holds.
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>>;
    /// Remembers a consent: adds the scopes to an existing one, which keeps its id, or makes one. `None` when the
    /// application or the user is gone.
    fn allow(
        &self,
        user: UserId,
        application: ApplicationId,
        scopes: ScopeSet,
        audit: NewAuditEvent,
    ) -> Answer<'_, Option<Consent>>;
    /// Founds a grant. A code founds one grant only; `replay_audit` and `revocation_expires_at` serve the replay.
    fn found_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, Founded>;
    /// The grant of that id, dead or alive; `None` also when its application or user is of a later epoch or gone.
    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>>;
    /// Moves a grant from `generation` to the next, if it still is at `generation` and not revoked.
    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated>;
    /// Ends a grant. Empty when it was ended before or is unknown.
    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// Ends one access token.
    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// The applications that the user has allowed and that still have a consent or a live grant, by id.
    fn list_allowed(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<Allowed>>;
    /// Ends the user's consent and grants for the application. `None` when there was neither.
    fn revoke_allowed(
        &self,
        user: UserId,
        application: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Option<Vec<Revocation>>>;
    /// Events after `seq` that still matter at `now`, in order, at most `limit`.
    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>>;
}

// ---------------------------------------------------------------------------------------------------------------
// Data sources

/// A data source to be created.
#[derive(Debug, Clone)]
pub struct NewDataSource {
    pub name: String,
    pub description: String,
    pub data_store: i64,
    pub options: BTreeMap<String, String>,
    pub owner: UserId,
    pub at: Timestamp,
}

/// What an update of a data source sets.
#[derive(Debug, Clone)]
pub struct DataSourceChange {
    pub name: String,
    pub description: String,
    pub options: BTreeMap<String, String>,
    pub at: Timestamp,
}

/// Why an act on a data source was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSourceRefusal {
    /// There is none of that id.
    Unknown,
    /// Another data source has the name.
    NameTaken,
    /// A user that does not exist was named.
    UnknownUser,
}

/// Data sources.
pub trait DataSources {
    /// The data source of that id.
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>>;
    /// The data source of that name, compared without case.
    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>>;
    /// Data sources by id: all, or those that the user owns or that are shared with the user.
    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>>;
    /// Creates a data source.
    fn insert_data_source(
        &self,
        new: NewDataSource,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Changes a data source.
    fn update_data_source(
        &self,
        id: DataSourceId,
        change: DataSourceChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Replaces the users with whom it is shared.
    fn share_data_source(
        &self,
        id: DataSourceId,
        users: Vec<UserId>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Announces to every node that the model must be read again.
    fn touch_data_source(
        &self,
        id: DataSourceId,
        at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Deletes a data source.
    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>>;
}

// ---------------------------------------------------------------------------------------------------------------
// Settings: limits, ring keys, and what tells nodes that something changed

/// A key of the ring, sealed under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub id: u32,
    pub created_at: Timestamp,
    /// From when on it seals new tokens; every node knows it before.
    pub activates_at: Timestamp,
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey").field("id", &self.id).field("created_at", &self.created_at).finish_non_exhaustive()
    }
}

/// How often each kind of thing has been changed. A node that sees a number grow drops what it remembers of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    pub users: i64,
    pub roles: i64,
    pub applications: i64,
    pub data_sources: i64,
    pub limits: i64,
    pub keys: i64,
    /// The last position of the feed of revocations.
    pub revocations: i64,
}

/// Limits, ring keys and versions.
pub trait Settings {
    /// The limits that somebody has set.
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>>;
    /// Sets a limit, or returns it to its default with `None`.
    fn set_limit(&self, limit: Limit, value: Option<i64>, audit: NewAuditEvent) -> Answer<'_, ()>;
    /// Every ring key, by id.
    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>>;
    /// Adds a ring key; its id must be one above the largest there is, else nothing happens and the answer is `false`
    /// (another node was first).
    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Deletes keys other than the active one that were superseded before `superseded_before` and by which no live
    /// grant's refresh token is sealed; answers their ids.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>>;
    /// The versions as they are now; one cheap read.
    fn versions(&self) -> Answer<'_, Versions>;
}

// ---------------------------------------------------------------------------------------------------------------
// Audit, upkeep

/// Which audit events to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only those before this id.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
    /// Only those of this actor name, compared without case.
    pub actor_name: Option<String>,
    /// Only those of this action.
    pub action: Option<oauth::audit::Action>,
    /// Only those about this application.
    pub application: Option<ApplicationId>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// The audit log.
pub trait Audit {
    /// Writes events of acts that change nothing themselves, such as refusals.
    fn append_audit(&self, events: Vec<NewAuditEvent>) -> Answer<'_, ()>;
    /// Events, newest first.
    fn list_audit(&self, filter: AuditFilter) -> Answer<'_, Vec<AuditEvent>>;
}

/// When things were last used, gathered in memory and written together.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    pub applications: Vec<(ApplicationId, Timestamp)>,
    pub secrets: Vec<(SecretId, Timestamp)>,
    pub grants: Vec<(GrantId, Timestamp)>,
}

/// What may be deleted, and how much at once.
#[derive(Debug, Clone, Copy)]
pub struct Purge {
    pub now: Timestamp,
    /// Revoked grants stay until then, so that a replay of their code still finds them.
    pub revoked_grants_before: Timestamp,
    /// Audit events older than this go.
    pub audit_before: Timestamp,
    /// Most rows of each kind in one batch; at most 1,000.
    pub batch: u32,
}

/// How many rows a batch of purging deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    pub grants: u64,
    pub consents: u64,
    pub sessions: u64,
    pub revocations: u64,
    pub secrets: u64,
    pub audit_events: u64,
}

/// Figures of the backend for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreFigures {
    /// Transactions committed.
    pub commits: u64,
    /// Units of work inside them.
    pub writes: u64,
    /// Times the backend made data durable (a sync of the log, or a commit acknowledged by a server).
    pub syncs: u64,
    /// Units of work waiting now.
    pub queued: u64,
}

/// Upkeep and observation.
pub trait Maintenance {
    /// Stores when things were last used; later times win.
    fn record_usage(&self, usage: Usage) -> Answer<'_, ()>;
    /// Deletes one batch of what is expired, or dead by its epoch.
    fn purge(&self, purge: Purge) -> Answer<'_, Purged>;
    /// Whether reads and writes work now: writes and makes durable a tiny row.
    fn probe(&self) -> Answer<'_, ()>;
    /// Figures since the start.
    fn figures(&self) -> StoreFigures;
    /// Waits until everything queued is committed, then refuses further writes.
    fn close(&self) -> Answer<'_, ()>;
}

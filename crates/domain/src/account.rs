//! People: users, their roles and permissions, their browser sessions, and the data sources that they own.

use std::collections::BTreeMap;
use std::fmt;

pub mod attributes;
mod authority;
pub mod data_source;
pub mod device;
pub mod lockout;
pub mod network;
pub mod one_time_link;
pub mod password;
pub mod role;
pub mod second_factor;
pub mod user_name;

pub use authority::{Authority, CallerSession, CallerToken, Credential, Rights, TokenIssue};

use self::attributes::{SubjectSeed, UserAttributes};
use self::data_source::GroupMember;
use self::device::SessionOrigin;
use crate::handover::Handover;
use crate::id::{DataSourceId, Epoch, RoleId, SessionId, UserId};
use crate::secret::{Digest, PasswordHash};
use crate::time::Timestamp;

/// A user account.
#[derive(Debug, Clone)]
pub struct User {
    /// Assigned in order, never reused.
    pub id: UserId,
    /// At most 128 characters, no colon; unique ignoring case; stored as given.
    pub name: String,
    /// The hash of the password.
    pub password: PasswordHash,
    /// `status` 1 on the wire; an inactive user cannot sign in, and all of the user's tokens are invalid.
    pub active: bool,
    /// When the password expires; `None` if it never does.
    pub password_expires_at: Option<Timestamp>,
    /// The roles, whose permissions add up.
    pub roles: Vec<RoleId>,
    /// Advances when all access of the user is revoked.
    pub epoch: Epoch,
    /// The current failure count, and the lock that it may have caused.
    pub lockout: Lockout,
    /// What is known about the person; `None` if nothing is.
    pub attributes: Option<Box<UserAttributes>>,
    /// The source of the user's identifiers in OpenID Connect.
    pub subject_seed: SubjectSeed,
    /// Whether a sign-in needs a second factor besides the password.
    pub has_second_factor: bool,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change by an administrator or the user.
    pub updated_at: Timestamp,
}

/// The failures of a user's credentials that count towards a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Failures since `since`.
    pub failures: u32,
    /// The first failure of the current interval.
    pub since: Option<Timestamp>,
    /// Until when sign-ins are refused.
    pub locked_until: Option<Timestamp>,
}

impl Lockout {
    /// Whether sign-ins are refused at `now`. A lock that began later than now ended when the clock was set back.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| !until.is_past(now)) && !self.is_before_set_back(now)
    }

    /// Whether the clock was set back since the first failure of the interval.
    fn is_before_set_back(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| since.is_before_set_back(now))
    }
}

/// The number of failures that lock an account, and the duration; from limits 2, 3 and 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Failures that are further apart do not add up.
    pub interval_secs: i64,
    /// The number of failures; 0 disables locking.
    pub failures: u32,
    /// The duration of a lock.
    pub lock_secs: i64,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Assigned in order; 1 and 2 are built in.
    pub id: RoleId,
    /// Unique ignoring case.
    pub name: String,
    /// A description for people; may be empty.
    pub description: String,
    /// Sorted, without repetition.
    pub permissions: Vec<Permission>,
    /// Whether its users must have a second factor.
    pub requires_second_factor: bool,
}

/// The role of administrators; it always has [`Permission::Administrator`] and cannot be deleted.
pub const ADMINISTRATOR_ROLE: RoleId = RoleId::new(1);
/// The role of ordinary users; it cannot be deleted.
pub const USER_ROLE: RoleId = RoleId::new(2);

macro_rules! permissions {
    ($($name:ident = $id:literal),+ $(,)?) => {
        /// A permission of a role, with Hybrid Data Pipeline's numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are the wire contract's own")]
        pub enum Permission {
            $($name = $id),+
        }

        impl Permission {
            /// Every permission, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The number on the wire.
            pub const fn id(self) -> i64 {
                self as i64
            }

            /// The permission with that number, if any.
            pub fn from_id(id: i64) -> Option<Self> {
                match id { $($id => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

permissions! {
    CreateDataSource = 1,
    ViewDataSource = 2,
    ModifyDataSource = 3,
    DeleteDataSource = 4,
    UseDataSourceWithOData = 7,
    WebUI = 8,
    ChangePassword = 9,
    MgmtAPI = 11,
    Administrator = 12,
    CreateUsers = 13,
    ViewUsers = 14,
    ModifyUsers = 15,
    DeleteUsers = 16,
    CreateRole = 17,
    ViewRole = 18,
    ModifyRole = 19,
    DeleteRole = 20,
    OnBehalfOf = 21,
    CORSwhitelist = 23,
    TenantAPI = 25,
    Limits = 27,
    OAuth = 28,
    IPWhiteList = 29,
}

/// A signed-in browser.
#[derive(Debug, Clone)]
pub struct Session {
    /// The public half of the cookie.
    pub id: SessionId,
    /// The user who signed in.
    pub user: UserId,
    /// The user's epoch at sign-in; the session is invalid once the user's epoch has advanced.
    pub user_epoch: Epoch,
    /// The digest of the secret half of the cookie.
    pub digest: Digest,
    /// When the user last entered the password.
    pub auth_time: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// Its name for applications, which survives a repeated sign-in of the user in the same browser; `None` if an earlier
    /// version opened it.
    pub sid: Option<String>,
    /// Whether its user showed a second factor.
    pub second_factor: bool,
    /// From where it was opened.
    pub origin: SessionOrigin,
    /// When it was last used, some minutes at the most before it was; `None` if it was not used since the sign-in.
    pub last_used_at: Option<Timestamp>,
}

/// The value of a secret option of a data source as it is stored: sealed by the vault, in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedOption(String);

impl SealedOption {
    /// Takes the sealed text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The sealed text, to be stored or opened.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedOption(redacted)")
    }
}

/// The options of a data source as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredOptions {
    /// The options that may be shown, by key.
    pub plain: BTreeMap<String, String>,
    /// The secret options, by key.
    pub sealed: BTreeMap<String, SealedOption>,
}

/// Options without secret ones.
impl From<BTreeMap<String, String>> for StoredOptions {
    fn from(plain: BTreeMap<String, String>) -> Self {
        Self { plain, sealed: BTreeMap::new() }
    }
}

impl DataSource {
    /// The options as they are stored.
    pub fn stored_options(&self) -> StoredOptions {
        StoredOptions { plain: self.options.clone(), sealed: self.sealed_options.clone() }
    }

    /// Whether it is a group: it has no database, and serves its members at one address.
    pub fn is_group(&self) -> bool {
        self.data_store == data_source::GROUP_STORE
    }

    /// Whether a user may read it: the owner, and those with whom it is shared. Administrators are no exception: they can
    /// share any data source with themselves, which the audit log records.
    pub fn is_readable_by(&self, user: UserId) -> bool {
        self.owner == user || self.shared_with.contains(&user)
    }
}

/// A data source: a database that users may read over OData.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSource {
    /// Assigned in order.
    pub id: DataSourceId,
    /// Letters, digits, underscore, dash; unique ignoring case.
    pub name: String,
    /// A description for people; may be empty.
    pub description: String,
    /// The number of the data store (the kind of database).
    pub data_store: i64,
    /// The options by key, such as `path`, except secret ones.
    pub options: BTreeMap<String, String>,
    /// The secret options by key.
    pub sealed_options: BTreeMap<String, SealedOption>,
    /// The longest time since the sign-in of a reader, in seconds; `None` if any is good enough.
    pub max_authentication_age: Option<i64>,
    /// Whether readers must have signed in with a second factor.
    pub requires_second_factor: bool,
    /// Whether it may be changed over OData.
    pub writable: bool,
    /// The user who created it, for whom it was created, or to whom it was handed over.
    pub owner: UserId,
    /// The handover, if somebody other than the owner created it.
    pub handed_over: Option<Handover>,
    /// The other users who may read it.
    pub shared_with: Vec<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed, or its model was read again.
    pub updated_at: Timestamp,
    /// Grows with each change of its model document; 0 if it never had one.
    pub model_version: i64,
    /// The data sources that it serves, by id, if it is a group.
    pub members: Vec<GroupMember>,
}

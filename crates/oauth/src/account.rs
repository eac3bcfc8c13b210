//! People: users, their roles and permissions, their browser sessions, and the data sources they own.

use std::collections::BTreeMap;

mod authority;
pub mod data_source;
pub mod lockout;
pub mod network;
pub mod password;
pub mod role;
pub mod user_name;

pub use authority::{Authority, Rights};

use crate::handover::Handover;
use crate::id::{DataSourceId, Epoch, RoleId, SessionId, UserId};
use crate::secret::{Digest, PasswordHash};
use crate::time::Timestamp;

/// The names of the users whom every new installation has, as Hybrid Data Pipeline's have.
pub const BUILT_IN_USERS: [&str; 2] = ["d2cadmin", "d2cuser"];

/// A user account.
#[derive(Debug, Clone)]
pub struct User {
    /// Assigned in order, never reused.
    pub id: UserId,
    /// At most 128 characters, no colon; unique when compared without case, kept as it was given.
    pub name: String,
    /// Never the password itself.
    pub password: PasswordHash,
    /// `status` 1 on the wire; an inactive user cannot sign in and none of the user's tokens lives.
    pub active: bool,
    /// After which the password is no longer accepted; none when it never expires.
    pub password_expires_at: Option<Timestamp>,
    /// What they allow adds up.
    pub roles: Vec<RoleId>,
    /// Grows when all the user's access is ended.
    pub epoch: Epoch,
    /// The failures counted so far, and the lock that they may have set.
    pub lockout: Lockout,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When an administrator or the user last changed it.
    pub updated_at: Timestamp,
}

/// The failures of a user's credentials that count towards a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Failures since `since`.
    pub failures: u32,
    /// The first failure of the running interval.
    pub since: Option<Timestamp>,
    /// Until when signing in is refused.
    pub locked_until: Option<Timestamp>,
}

impl Lockout {
    /// Whether signing in is refused at `now`.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| !until.is_past(now))
    }
}

/// How many failures lock an account, and for how long; from limits 2, 3 and 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Failures further apart than this do not add up.
    pub interval_secs: i64,
    /// 0 switches locking off.
    pub failures: u32,
    /// How long a lock lasts.
    pub lock_secs: i64,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Assigned in order; 1 and 2 are built in.
    pub id: RoleId,
    /// Unique when compared without case.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Sorted, without repetition.
    pub permissions: Vec<Permission>,
}

/// The role of administrators; it always has [`Permission::Administrator`] and cannot be deleted.
pub const ADMINISTRATOR_ROLE: RoleId = RoleId::new(1);
/// The role of ordinary users; it cannot be deleted.
pub const USER_ROLE: RoleId = RoleId::new(2);

macro_rules! permissions {
    ($($name:ident = $id:literal),+ $(,)?) => {
        /// What a role allows, under Hybrid Data Pipeline's numbers.
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

            /// The permission of that number, if there is one.
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
    /// Who signed in.
    pub user: UserId,
    /// The user's epoch at sign-in; the session is dead when the user's has grown.
    pub user_epoch: Epoch,
    /// Of the secret half of the cookie.
    pub digest: Digest,
    /// When the password was last shown.
    pub auth_time: Timestamp,
    /// The first moment at which it is dead.
    pub expires_at: Timestamp,
}

/// A data source: one database that users may read over OData.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSource {
    /// Assigned in order.
    pub id: DataSourceId,
    /// Letters, digits, underscore, dash; unique when compared without case.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Number of the data store (the kind of database).
    pub data_store: i64,
    /// By option key, such as `path`.
    pub options: BTreeMap<String, String>,
    /// The user who created it, or for whom it was created, or to whom it was handed over.
    pub owner: UserId,
    /// Where somebody else than the owner created it.
    pub handed_over: Option<Handover>,
    /// Users besides the owner who may read it.
    pub shared_with: Vec<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed or its model read again.
    pub updated_at: Timestamp,
}

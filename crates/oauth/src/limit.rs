//! The numbered limits of the system.

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $id:literal, default $default:literal, $min:literal..=$max:literal;)+) => {
        /// A limit of the system, under Hybrid Data Pipeline's numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Limit {
            $($(#[$doc])* $name = $id),+
        }

        impl Limit {
            /// Every limit, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The number on the wire.
            pub const fn id(self) -> i64 {
                self as i64
            }

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// What holds while nobody has set it.
            pub const fn default_value(self) -> i64 {
                match self { $(Self::$name => $default),+ }
            }

            /// The values that it may be set to.
            pub const fn range(self) -> std::ops::RangeInclusive<i64> {
                match self { $(Self::$name => $min..=$max),+ }
            }

            /// The limit of that number, if there is one.
            pub fn from_id(id: i64) -> Option<Self> {
                match id { $($id => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

limits! {
    /// Most rows that one OData request may fetch; 0 is no limit.
    MaxFetchRows = 1, default 0, 0..=9_007_199_254_740_991;
    /// Seconds in which failures of credentials add up.
    PasswordLockoutInterval = 2, default 900, 1..=31_536_000;
    /// Failures that lock an account; 0 switches locking off.
    PasswordLockoutLimit = 3, default 3, 0..=1_000_000;
    /// Seconds that a lock lasts.
    PasswordLockoutPeriod = 4, default 1800, 1..=31_536_000;
    /// 0 no cross-origin access, 1 listed origins, 2 every origin.
    CORSBehavior = 5, default 0, 0..=2;
    /// Paging queries that may run at once for one user; 0 is no limit.
    ODataMaxConcurrentPagingQueries = 6, default 0, 0..=1_000_000;
    /// OData requests that may run at once for one user; 0 is no limit.
    ODataMaxConcurrentRequests = 24, default 0, 0..=1_000_000;
    /// OData requests of one user that may wait for a place; 0 is no limit.
    ODataMaxWaitingRequests = 25, default 0, 0..=1_000_000;
    /// Seconds that an access token lives.
    OAuthAccessTokenLifetime = 100, default 3600, 60..=86_400;
}

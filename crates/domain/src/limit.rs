//! The numbered limits of the system.

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $id:literal, default $default:literal, $min:literal..=$max:literal;)+) => {
        /// A limit of the system, with Hybrid Data Pipeline's numbers.
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

            /// The default value.
            pub const fn default_value(self) -> i64 {
                match self { $(Self::$name => $default),+ }
            }

            /// The range of permitted values.
            pub const fn range(self) -> std::ops::RangeInclusive<i64> {
                match self { $(Self::$name => $min..=$max),+ }
            }

            /// The limit with that number, if any.
            pub fn from_id(id: i64) -> Option<Self> {
                match id { $($id => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

limits! {
    /// The maximum number of rows that one OData request may fetch; 0 means no limit.
    MaxFetchRows = 1, default 0, 0..=9_007_199_254_740_991;
    /// The interval in seconds in which failed authentications add up.
    PasswordLockoutInterval = 2, default 900, 1..=31_536_000;
    /// The number of failures that lock an account; 0 disables locking.
    PasswordLockoutLimit = 3, default 3, 0..=1_000_000;
    /// The duration of a lock in seconds.
    PasswordLockoutPeriod = 4, default 1800, 1..=31_536_000;
    /// The pages of other origins that may read responses: 0 only those of applications, 1 all, 2 also those
    /// in the list.
    CORSBehavior = 5, default 0, 0..=2;
    /// The maximum number of concurrent paged responses of one user; 0 means no limit.
    ODataMaxConcurrentPagingQueries = 6, default 0, 0..=1_000_000;
    /// The maximum number of concurrent OData requests of one user; 0 means no limit.
    ODataMaxConcurrentRequests = 24, default 0, 0..=1_000_000;
    /// The maximum number of OData requests of one user that may wait for a permit; 0 means no limit.
    ODataMaxWaitingRequests = 25, default 0, 0..=1_000_000;
    /// The lifetime of an access token in seconds.
    OAuthAccessTokenLifetime = 100, default 3600, 60..=86_400;
}

/// The value is outside the range of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} must be {} to {}", .0.as_str(), .0.range().start(), .0.range().end())]
pub struct OutOfRange(pub Limit);

impl Limit {
    /// Checks a value against the range.
    ///
    /// # Errors
    /// [`OutOfRange`], whose message contains the range.
    pub fn check(self, value: i64) -> Result<i64, OutOfRange> {
        if self.range().contains(&value) { Ok(value) } else { Err(OutOfRange(self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_their_ranges() {
        for limit in Limit::ALL {
            assert_eq!(limit.check(limit.default_value()), Ok(limit.default_value()));
            assert_eq!(Limit::from_id(limit.id()), Some(*limit));
        }
        assert_eq!(Limit::from_id(7), None);
    }

    #[test]
    fn the_lifetime_of_a_token_is_a_minute_to_a_day() {
        let limit = Limit::OAuthAccessTokenLifetime;
        assert_eq!((limit.check(60), limit.check(86_400)), (Ok(60), Ok(86_400)));
        for value in [i64::MIN, -1, 0, 59, 86_401, i64::MAX] {
            assert_eq!(limit.check(value), Err(OutOfRange(limit)));
        }
        assert_eq!(OutOfRange(limit).to_string(), "OAuthAccessTokenLifetime must be 60 to 86400");
    }
}

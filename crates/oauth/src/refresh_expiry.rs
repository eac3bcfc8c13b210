//! When refresh tokens end without being revoked, and what clients learn of it ([OAuth 2.0 Refresh Token and
//! Authorization Expiration](https://datatracker.ietf.org/doc/draft-ietf-oauth-refresh-token-expiration/)).

use domain::time::Timestamp;

use crate::grant::Grant;

/// How refresh tokens can end ([Refresh Token Expiration
/// §8](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-refresh-token-expiration#section-8)). Both are always named,
/// because a token answer without the members means that there is no limit.
pub(crate) const TYPES: [&str; 2] = ["authorization", "token_timeout"];

/// The limits of refresh tokens. Zero means that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshLimits {
    /// The lifetime of a new grant, however often it is refreshed.
    pub lifetime_secs: i64,
    /// The time in which a refresh token must be used again.
    pub idle_secs: i64,
}

impl RefreshLimits {
    /// When a grant ends that is created at `now`.
    pub fn end_of_new_grant(self, now: Timestamp) -> Option<Timestamp> {
        (self.lifetime_secs > 0).then(|| now.plus_secs(self.lifetime_secs))
    }

    /// The first moment at which the refresh token of the grant is no longer valid. Uses of a refresh token that does not
    /// rotate are written with a delay of some seconds.
    pub fn end_of(self, grant: &Grant) -> Option<Timestamp> {
        let used =
            [grant.rotated_at, grant.last_used_at].into_iter().flatten().fold(grant.created_at, Ord::max);
        let idle = (self.idle_secs > 0).then(|| used.plus_secs(self.idle_secs));
        [grant.expires_at, idle].into_iter().flatten().min()
    }

    /// What a client learns when it gets a refresh token of a grant that ends at `ends_at`; `None` if neither limit
    /// applies.
    pub fn tell(self, ends_at: Option<Timestamp>, now: Timestamp) -> Option<RefreshExpiry> {
        let idle = (self.idle_secs > 0).then_some(self.idle_secs);
        RefreshExpiry::of(ends_at.map(|end| seconds_until(end, now)), idle)
    }

    /// What is left of the times of a stored refresh token; `None` if neither limit applies.
    pub fn left(self, grant: &Grant, now: Timestamp) -> Option<RefreshExpiry> {
        let idle = self.end_of(grant).filter(|_| self.idle_secs > 0).map(|end| seconds_until(end, now));
        RefreshExpiry::of(grant.expires_at.map(|end| seconds_until(end, now)), idle)
    }
}

/// The members about expiry in a token answer, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshExpiry {
    /// `refresh_token_expires_in`: when this refresh token ends, if it is not used before.
    pub refresh_token: i64,
    /// `refresh_token_timeout`: how long this refresh token may be kept without a use.
    pub timeout: Option<i64>,
    /// `authorization_expires_in`: when the grant ends, however often it is refreshed.
    pub authorization: Option<i64>,
}

impl RefreshExpiry {
    /// "This value SHALL NOT exceed the value in `authorization_expires_in`"
    /// ([§6.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-refresh-token-expiration#section-6.1)): a refresh
    /// token does not outlive its grant.
    fn of(authorization: Option<i64>, idle: Option<i64>) -> Option<Self> {
        let refresh_token = [authorization, idle].into_iter().flatten().min()?;
        Some(Self { refresh_token, timeout: idle.map(|_| refresh_token), authorization })
    }
}

fn seconds_until(end: Timestamp, now: Timestamp) -> i64 {
    (end.as_secs() - now.as_secs()).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{NOW, grant};

    const BOTH: RefreshLimits = RefreshLimits { lifetime_secs: 1_000, idle_secs: 100 };
    const NONE: RefreshLimits = RefreshLimits { lifetime_secs: 0, idle_secs: 0 };

    #[test]
    fn a_refresh_token_ends_with_its_grant_or_when_it_was_not_used() {
        assert_eq!(NONE.end_of(&grant()), None);
        assert_eq!(NONE.end_of_new_grant(NOW), None);
        assert_eq!(BOTH.end_of_new_grant(NOW), Some(NOW.plus_secs(1_000)));
        assert_eq!(BOTH.end_of(&grant()), Some(NOW.plus_secs(100)));
        let used = Grant { last_used_at: Some(NOW.plus_secs(50)), ..grant() };
        assert_eq!(BOTH.end_of(&used), Some(NOW.plus_secs(150)));
        let rotated = Grant { rotated_at: Some(NOW.plus_secs(60)), ..used };
        assert_eq!(BOTH.end_of(&rotated), Some(NOW.plus_secs(160)));
        let ending = Grant { expires_at: Some(NOW.plus_secs(70)), ..rotated };
        assert_eq!(BOTH.end_of(&ending), Some(NOW.plus_secs(70)));
    }

    #[test]
    fn a_client_learns_when_its_refresh_token_ends() {
        assert_eq!(NONE.tell(None, NOW), None);
        let expiry = BOTH.tell(Some(NOW.plus_secs(40)), NOW).unwrap();
        assert_eq!(expiry, RefreshExpiry { refresh_token: 40, timeout: Some(40), authorization: Some(40) });
        let far = BOTH.tell(Some(NOW.plus_secs(1_000)), NOW).unwrap();
        assert_eq!(far, RefreshExpiry { refresh_token: 100, timeout: Some(100), authorization: Some(1_000) });
        let idle = BOTH.tell(None, NOW).unwrap();
        assert_eq!(idle, RefreshExpiry { refresh_token: 100, timeout: Some(100), authorization: None });
    }

    #[test]
    fn what_is_left_of_a_refresh_token_shrinks_until_it_is_used() {
        let at = |secs| NOW.plus_secs(secs);
        let ending = Grant { expires_at: Some(at(130)), ..grant() };
        assert_eq!(NONE.left(&grant(), NOW), None);
        let used = Grant { last_used_at: Some(at(50)), ..ending.clone() };
        for (grant, now, timeout, authorization) in
            [(&ending, 0, 100, 130), (&ending, 60, 40, 70), (&used, 60, 70, 70), (&ending, 200, 0, 0)]
        {
            let left = BOTH.left(grant, at(now)).unwrap();
            let expected = RefreshExpiry {
                refresh_token: timeout,
                timeout: Some(timeout),
                authorization: Some(authorization),
            };
            assert_eq!(left, expected, "{now}");
        }
        let unlimited = RefreshLimits { lifetime_secs: 1_000, idle_secs: 0 };
        assert_eq!(unlimited.left(&ending, NOW).unwrap().timeout, None);
    }
}

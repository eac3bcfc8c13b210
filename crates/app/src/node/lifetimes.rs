//! How long what this node stores is valid and kept. A lifetime that a protocol rule defines stands beside the rule in
//! `oauth`.

use domain::limit::Limit;
use domain::time::Timestamp;

pub(crate) const DAY_SECS: i64 = 86_400;

/// The longest lifetime of an authorization code that can be set, and the default.
pub const CODE_LIFETIME_SECS: u32 = 60;

/// The default lifetime of a pushed authorization request until a browser presents it.
pub const PUSHED_REQUEST_SECS: u32 = 60;

/// How long a pushed request stays valid once a browser has presented it, so that people can sign in.
pub(crate) const OPENED_REQUEST_SECS: i64 = 900;

/// The default of the time in which a rotated refresh token still returns its successor.
pub const REFRESH_GRACE_SECS: u32 = 60;

/// The default lifetime of a browser session.
pub const SESSION_LIFETIME_SECS: u32 = 12 * 3_600;

/// The default of the time in which the older of two secrets stays valid.
pub const SECRET_OVERLAP_SECS: u32 = 24 * 3_600;

/// The default number of days after which a new ring key is created.
pub const ROTATE_KEYS_EVERY_DAYS: u32 = 90;

/// How long a personal access token may be valid by default, in days.
pub const PERSONAL_ACCESS_TOKEN_DAYS: u32 = 366;

/// The default number of days that audit events are kept.
pub const AUDIT_RETENTION_DAYS: u32 = 365;

/// How long a revoked grant is kept, so that a replay of its code still finds it; longer than the lifetime of
/// any code.
pub(crate) const REVOKED_GRANTS_KEPT_SECS: i64 = 10 * CODE_LIFETIME_SECS as i64;

/// The lifetime of the codes of a device. A person needs a few minutes to find a phone and to sign in.
pub const DEVICE_CODE_LIFETIME_SECS: i64 = 600;

/// How long requests for which clients poll are kept after they have expired, so that the client and its user learn why
/// they no longer work.
pub(crate) const EXPIRED_POLLED_REQUESTS_KEPT_SECS: i64 = DEVICE_CODE_LIFETIME_SECS;

/// How long a network stays familiar after a success.
pub(crate) const FAMILIAR_SECS: i64 = 30 * DAY_SECS;

/// The longest lifetime of an access token.
const LONGEST_ACCESS_TOKEN_SECS: i64 = *Limit::OAuthAccessTokenLifetime.range().end();

/// The maximum difference between the clocks of two nodes.
const CLOCKS_DIFFER_SECS: i64 = 300;

/// How long a revocation is kept: until every token that it concerns has expired on every node.
const REVOCATIONS_KEPT_SECS: i64 = LONGEST_ACCESS_TOKEN_SECS + CLOCKS_DIFFER_SECS;

/// How long a superseded key is kept at least: until the access tokens under it have expired, and an hour.
pub(crate) const SUPERSEDED_KEYS_KEPT_SECS: i64 = LONGEST_ACCESS_TOKEN_SECS + 3_600;

/// How long a key is stored before its first use, in which every node reads it.
pub(crate) const KEYS_ANNOUNCED_SECS: i64 = 5;

/// How long a signing key is published before its first use, in which others read the keys again.
pub(crate) const SIGNING_KEYS_ANNOUNCED_SECS: i64 = DAY_SECS;

/// When the longest-lived token that could be revoked now will have expired. The store keeps revocations until then, as
/// `revocation_expires_at` of its operations.
pub(crate) const fn revocations_expire_at(now: Timestamp) -> Timestamp {
    now.plus_secs(REVOCATIONS_KEPT_SECS)
}

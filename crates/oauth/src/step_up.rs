//! Step-up authentication at a resource ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)).

use domain::time::Timestamp;

/// The shortest and the longest age of a sign-in that a data source may demand, in seconds: a minute and 30 days. A
/// shorter one would be over before a client has read a page.
pub const MAX_AGE_SECS: std::ops::RangeInclusive<i64> = 60..=30 * 86_400;

/// Whether the user signed in at most `max_age_secs` ago ([RFC 9470
/// §3](https://www.rfc-editor.org/rfc/rfc9470#section-3), `max_age`). An access without a known sign-in, such as that of a
/// service, never fulfils it.
pub fn sign_in_is_recent(signed_in_at: Option<Timestamp>, max_age_secs: i64, now: Timestamp) -> bool {
    signed_in_at.is_some_and(|at| now.as_secs().saturating_sub(at.as_secs()) <= max_age_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_recent_until_its_age_exceeds_the_maximum() {
        let at = Timestamp::from_secs(1_000);
        let recent = |now| sign_in_is_recent(Some(at), 60, Timestamp::from_secs(now));
        assert!(recent(1_000) && recent(1_060));
        assert!(!recent(1_061));
        assert!(recent(990), "the clocks of two nodes may differ");
        assert!(!sign_in_is_recent(None, 60, at), "nobody signed in");
    }
}

//! Step-up authentication at a resource ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)).

use domain::time::Timestamp;

/// The shortest and the longest age of a sign-in that a data source may demand, in seconds: a minute and 30 days. A
/// shorter one would be over before a client has read a page.
pub const MAX_AGE_SECS: std::ops::RangeInclusive<i64> = 60..=30 * 86_400;

/// What a data source demands of the sign-in behind an access.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepUp {
    /// The longest time since the sign-in, in seconds.
    pub max_age_secs: Option<u32>,
    /// Whether there must have been a second factor.
    pub second_factor: bool,
}

/// A sign-in behind an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSignIn {
    /// When it was.
    pub at: Timestamp,
    /// Whether there was a second factor.
    pub second_factor: bool,
}

/// Why a sign-in is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// There was no second factor.
    SecondFactor,
    /// It is older than this many seconds.
    Age(u32),
}

impl StepUp {
    /// Whether it demands anything.
    pub fn is_demanded(self) -> bool {
        self != Self::default()
    }

    /// Judges a sign-in; `None` if nobody signed in.
    ///
    /// # Errors
    /// What is missing. A new sign-in with a second factor is also recent.
    pub fn judge(self, sign_in: Option<KnownSignIn>, now: Timestamp) -> Result<(), Unmet> {
        if self.second_factor && !sign_in.is_some_and(|one| one.second_factor) {
            return Err(Unmet::SecondFactor);
        }
        match self.max_age_secs {
            Some(most) if !sign_in_is_recent(sign_in.map(|one| one.at), most.into(), now) => {
                Err(Unmet::Age(most))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the user signed in at most `max_age_secs` ago ([RFC 9470
/// §3](https://www.rfc-editor.org/rfc/rfc9470#section-3), `max_age`). An access without a known sign-in, such as that of a
/// service, never fulfils it.
fn sign_in_is_recent(signed_in_at: Option<Timestamp>, max_age_secs: i64, now: Timestamp) -> bool {
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

    #[test]
    fn a_sign_in_without_the_demanded_second_factor_is_none() {
        let at = Timestamp::from_secs(1_000);
        let judge = |second_factor, max_age_secs, shown: Option<bool>| {
            let sign_in = shown.map(|second_factor| KnownSignIn { at, second_factor });
            StepUp { max_age_secs, second_factor }.judge(sign_in, Timestamp::from_secs(1_061))
        };
        assert_eq!(judge(true, None, Some(true)), Ok(()));
        for shown in [None, Some(false)] {
            assert_eq!(judge(true, None, shown), Err(Unmet::SecondFactor));
            assert_eq!(judge(true, Some(60), shown), Err(Unmet::SecondFactor));
        }
        assert_eq!(judge(true, Some(60), Some(true)), Err(Unmet::Age(60)));
        assert_eq!(judge(false, None, None), Ok(()));
    }
}

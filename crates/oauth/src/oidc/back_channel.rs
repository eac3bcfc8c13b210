//! Where and how often a logout token is delivered ([OpenID Connect Back-Channel
//! Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html)).

use crate::application::OpenIdMetadata;

/// How long to wait after each failed attempt, in seconds. After the last one the delivery is abandoned.
const RETRY_AFTER_SECS: [i64; 6] = [10, 60, 5 * 60, 15 * 60, 60 * 60, 3 * 60 * 60];

/// The address for a delivery; `None` if it cannot be delivered: the application has no address, or it needs the name
/// of the session ([Back-Channel Logout
/// §2.2](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRegistration)) and the delivery has none.
pub fn address<'a>(metadata: &'a OpenIdMetadata, sid: Option<&str>) -> Option<&'a str> {
    let lacks_sid = metadata.backchannel_logout_session_required && sid.is_none();
    metadata.backchannel_logout_uri.as_deref().filter(|_| !lacks_sid)
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// The application has the token.
    Delivered,
    /// It is sent again after this number of seconds.
    Again {
        /// The number of seconds.
        after_secs: i64,
    },
    /// It is not sent again.
    Abandoned,
}

/// Decides after an attempt. `status` is that of the response, if there was one, and `attempts` counts this one.
///
/// "If the logout succeeded, the RP MUST respond with HTTP 200 OK", and 204 is accepted as well. "If the logout request was
/// invalid or the logout failed, the RP MUST respond with HTTP 400 Bad Request" ([Back-Channel Logout
/// §2.8](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse)): the same token would be refused again.
pub fn after_attempt(status: Option<u16>, attempts: u32) -> Attempted {
    match status {
        Some(200 | 204) => Attempted::Delivered,
        Some(400) => Attempted::Abandoned,
        _ => {
            let index = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
            let after = RETRY_AFTER_SECS.get(index);
            after.map_or(Attempted::Abandoned, |&after_secs| Attempted::Again { after_secs })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_that_needs_the_name_of_a_session_is_told_only_with_it() {
        let uri = "https://a.example/out";
        let metadata = |required| OpenIdMetadata {
            backchannel_logout_uri: Some(uri.to_owned()),
            backchannel_logout_session_required: required,
            ..OpenIdMetadata::default()
        };
        for (required, sid, expected) in
            [(false, None, true), (false, Some("s"), true), (true, Some("s"), true), (true, None, false)]
        {
            assert_eq!(address(&metadata(required), sid).is_some(), expected, "{required} {sid:?}");
        }
        assert_eq!(address(&OpenIdMetadata::default(), Some("s")), None);
    }

    #[test]
    fn a_delivery_is_tried_again_a_bounded_number_of_times() {
        for status in [200, 204] {
            assert_eq!(after_attempt(Some(status), 1), Attempted::Delivered);
        }
        assert_eq!(after_attempt(Some(400), 1), Attempted::Abandoned);
        for status in [None, Some(302), Some(404), Some(429), Some(500), Some(503)] {
            assert_eq!(after_attempt(status, 1), Attempted::Again { after_secs: 10 }, "{status:?}");
            assert_eq!(after_attempt(status, 6), Attempted::Again { after_secs: 10_800 }, "{status:?}");
            assert_eq!(after_attempt(status, 7), Attempted::Abandoned, "{status:?}");
        }
    }

    #[test]
    fn the_time_between_attempts_grows() {
        assert!(RETRY_AFTER_SECS.is_sorted());
    }
}

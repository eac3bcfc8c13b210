//! The claims of a token, and the rules about times.

use domain::time::Timestamp;
use serde_json::Value;

use super::{JwtFault, Object, parse_object};

/// How far ahead `iat` and `nbf` may be: clocks differ. More is refused ([FAPI 2.0
/// §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1): up to 10 seconds must be
/// accepted, more than 60 refused).
const MOST_AHEAD_SECS: i64 = 60;

/// What a place demands of the times of a token.
#[derive(Debug, Clone, Copy)]
pub struct TimeRules {
    /// Whether `exp` is required.
    pub expiry_required: bool,
    /// The most seconds between now and `exp`.
    pub most_lifetime_secs: i64,
    /// The most seconds since `iat`, which is required then.
    pub most_age_secs: Option<i64>,
}

/// The verified claims of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Object);

impl Claims {
    /// Reads the JSON of a payload.
    ///
    /// # Errors
    /// [`JwtFault::PayloadMalformed`].
    pub fn parse(json: &[u8]) -> Result<Self, JwtFault> {
        parse_object(json).map(Self).ok_or(JwtFault::PayloadMalformed)
    }

    /// The claim with this name, of any type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims.
    pub fn into_object(self) -> Object {
        self.0
    }

    /// A text, if the claim is present.
    ///
    /// # Errors
    /// If the claim has another type.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, JwtFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JwtFault::Claim(name)),
        }
    }

    /// A text that is required and not empty.
    ///
    /// # Errors
    /// If the claim is missing, empty or of another type.
    pub fn required_text(&self, name: &'static str) -> Result<&str, JwtFault> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or(JwtFault::Claim(name))
    }

    /// A time in seconds since the Unix epoch, which may have a fraction ([RFC 7519
    /// §2](https://www.rfc-editor.org/rfc/rfc7519#section-2), `NumericDate`).
    ///
    /// # Errors
    /// If the claim has another type or is beyond the years that a clock shows.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, JwtFault> {
        const YEAR_10000: i64 = 253_402_300_800;
        let Some(value) = self.get(name) else { return Ok(None) };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range is checked below; a cast of a float saturates"
        )]
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
        match seconds {
            Some(seconds) if (0..YEAR_10000).contains(&seconds) => Ok(Some(Timestamp::from_secs(seconds))),
            _ => Err(JwtFault::Claim(name)),
        }
    }

    /// A time that is not ahead of now, apart from a minute for clocks that differ; `None` if the claim is missing or
    /// malformed, or is later.
    pub fn past_time(&self, name: &'static str, now: Timestamp) -> Option<Timestamp> {
        let time = self.time(name).ok().flatten()?;
        (time <= now.plus_secs(MOST_AHEAD_SECS)).then_some(time)
    }

    /// The audiences, of which there may be one as a text or several as an array ([RFC 7519
    /// §4.1.3](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3)).
    ///
    /// # Errors
    /// If `aud` is missing, empty or has another type.
    pub fn audiences(&self) -> Result<Vec<&str>, JwtFault> {
        let malformed = || JwtFault::Claim("aud");
        let audiences = match self.get("aud").ok_or_else(malformed)? {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => {
                several.iter().map(|one| one.as_str().ok_or_else(malformed)).collect::<Result<_, _>>()?
            }
            _ => return Err(malformed()),
        };
        if audiences.is_empty() { Err(malformed()) } else { Ok(audiences) }
    }

    /// Whether `aud` is exactly this text, and no array.
    pub fn audience_is(&self, audience: &str) -> bool {
        self.get("aud").and_then(Value::as_str) == Some(audience)
    }

    /// Checks `exp`, `nbf` and `iat` ([RFC 7519 §4.1.4](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4) to
    /// §4.1.6).
    ///
    /// # Errors
    /// The fault of the first time that does not fit.
    pub fn times_hold(&self, now: Timestamp, rules: TimeRules) -> Result<(), JwtFault> {
        match self.time("exp")? {
            Some(expiry) if expiry.is_past(now) => return Err(JwtFault::Expired),
            Some(expiry) if expiry > now.plus_secs(rules.most_lifetime_secs + MOST_AHEAD_SECS) => {
                return Err(JwtFault::LivesTooLong);
            }
            None if rules.expiry_required => return Err(JwtFault::Claim("exp")),
            _ => {}
        }
        let latest = now.plus_secs(MOST_AHEAD_SECS);
        if self.time("nbf")?.is_some_and(|start| start > latest) {
            return Err(JwtFault::NotYet);
        }
        match (self.time("iat")?, rules.most_age_secs) {
            (Some(issued), _) if issued > latest => Err(JwtFault::NotYet),
            (Some(issued), Some(most)) if issued.plus_secs(most) < now => Err(JwtFault::TooOld),
            (None, Some(_)) => Err(JwtFault::Claim("iat")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const RULES: TimeRules =
        TimeRules { expiry_required: true, most_lifetime_secs: 300, most_age_secs: None };
    const FRESH: TimeRules =
        TimeRules { expiry_required: false, most_lifetime_secs: 300, most_age_secs: Some(100) };

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn times_are_checked_with_a_minute_for_clocks_that_differ() {
        let at = |offset: i64| 1_800_000_000 + offset;
        for (json, rules, expected) in [
            (format!(r#"{{"exp":{}}}"#, at(1)), RULES, Ok(())),
            (format!(r#"{{"exp":{}}}"#, at(0)), RULES, Err(JwtFault::Expired)),
            (format!(r#"{{"exp":{}}}"#, at(360)), RULES, Ok(())),
            (format!(r#"{{"exp":{}}}"#, at(361)), RULES, Err(JwtFault::LivesTooLong)),
            (r"{}".to_owned(), RULES, Err(JwtFault::Claim("exp"))),
            (format!(r#"{{"exp":{},"nbf":{}}}"#, at(9), at(60)), RULES, Ok(())),
            (format!(r#"{{"exp":{},"nbf":{}}}"#, at(9), at(61)), RULES, Err(JwtFault::NotYet)),
            (format!(r#"{{"exp":{},"iat":{}}}"#, at(9), at(10)), RULES, Ok(())),
            (format!(r#"{{"exp":{},"iat":{}}}"#, at(9), at(61)), RULES, Err(JwtFault::NotYet)),
            (format!(r#"{{"iat":{}}}"#, at(-100)), FRESH, Ok(())),
            (format!(r#"{{"iat":{}}}"#, at(-101)), FRESH, Err(JwtFault::TooOld)),
            (r"{}".to_owned(), FRESH, Err(JwtFault::Claim("iat"))),
        ] {
            assert_eq!(claims(&json).times_hold(NOW, rules), expected, "{json}");
        }
    }

    #[test]
    fn a_time_that_no_clock_shows_is_malformed() {
        for time in ["-1", "1e300", "9223372036854775807", "253402300800", "\"1\"", "null", "[]", "true"] {
            assert_eq!(
                claims(&format!(r#"{{"exp":{time}}}"#)).time("exp"),
                Err(JwtFault::Claim("exp")),
                "{time}"
            );
        }
        assert_eq!(claims(r#"{"exp":1.9}"#).time("exp"), Ok(Some(Timestamp::from_secs(1))));
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_of_texts() {
        assert_eq!(claims(r#"{"aud":"a"}"#).audiences(), Ok(vec!["a"]));
        assert_eq!(claims(r#"{"aud":["a","b"]}"#).audiences(), Ok(vec!["a", "b"]));
        for json in [r"{}", r#"{"aud":[]}"#, r#"{"aud":[1]}"#, r#"{"aud":{}}"#, r#"{"aud":null}"#] {
            assert_eq!(claims(json).audiences(), Err(JwtFault::Claim("aud")), "{json}");
        }
        assert!(claims(r#"{"aud":"a"}"#).audience_is("a"));
        assert!(!claims(r#"{"aud":["a"]}"#).audience_is("a"));
    }

    #[test]
    fn a_required_text_is_present_and_not_empty() {
        assert_eq!(claims(r#"{"sub":"a"}"#).required_text("sub"), Ok("a"));
        for json in [r"{}", r#"{"sub":""}"#, r#"{"sub":1}"#, r#"{"sub":null}"#] {
            assert_eq!(claims(json).required_text("sub"), Err(JwtFault::Claim("sub")), "{json}");
        }
    }
}

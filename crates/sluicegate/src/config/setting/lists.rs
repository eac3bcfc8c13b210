//! Settings that are lists, and the types of their elements.

use std::ops::RangeInclusive;

use oauth::application::{GrantType, Profile};
use oauth::client_document::HostPattern;
use oauth::client_registration::may_register;
use oauth::redirect::PrivateUseScheme;
use oauth::signing::SigningAlgorithm;
use serde_json::{Value, json};
use sources::HostRule;
use web::AddressRange;

use super::{Setting, Written, must_be};
use crate::config::Raw;

/// A list of strings in the file; separated by commas in the environment.
impl<T: Written> Setting for Vec<T> {
    fn read(raw: &Raw, range: Option<&RangeInclusive<i64>>) -> Result<Self, String> {
        match raw {
            Raw::List(texts) => read_all(texts.iter().map(String::as_str)),
            Raw::Environment(text) => {
                read_all(text.split(',').map(str::trim).filter(|text| !text.is_empty()))
            }
            _ => Err(must_be(&Self::kind(range), raw)),
        }
    }

    fn show(&self) -> Value {
        self.iter().map(Setting::show).collect()
    }

    fn kind(_: Option<&RangeInclusive<i64>>) -> String {
        format!("a list, each {}", T::KIND)
    }

    fn schema(_: Option<&RangeInclusive<i64>>) -> Value {
        json!({"type": "array", "items": T::schema()})
    }
}

/// All values, or the faults of all invalid ones.
fn read_all<'t, T: Written>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<T>, String> {
    let (mut values, mut unfit, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        match (T::parse(text), T::why_refused(text)) {
            (Some(value), _) => values.push(value),
            (None, Some(why)) => faults.push(why),
            (None, None) => unfit.push(format!("\"{}\"", text.escape_debug())),
        }
    }
    if !unfit.is_empty() {
        faults.insert(0, format!("each must be {}, not {}", T::KIND, unfit.join(" or ")));
    }
    if faults.is_empty() { Ok(values) } else { Err(faults.join("; ")) }
}

impl Written for HostRule {
    const KIND: &'static str = "a host, the hosts below a name, an address or a network, with or without a port, such as \
         \"db.example.com:5432\", \"*.example.com\" or \"10.0.0.0/8\"";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Written for HostPattern {
    const KIND: &'static str =
        "a host or the hosts below a name, such as \"app.example.com\" or \"*.example.com\"";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Written for PrivateUseScheme {
    const KIND: &'static str = "a private-use scheme without a dot, in small letters, such as \"cursor\"";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Written for SigningAlgorithm {
    const KIND: &'static str = "\"EdDSA\", \"ES256\", \"RS256\" or \"PS256\"";

    fn parse(text: &str) -> Option<Self> {
        Self::from_name(text)
    }

    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Written for GrantType {
    const KIND: &'static str =
        "a grant type of clients that register themselves, such as \"authorization_code\"";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text && may_register(*known, Profile::OAuth21))
    }

    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Written for String {
    const KIND: &'static str = "a name";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}

impl Written for AddressRange {
    const KIND: &'static str =
        "an IP address or a network such as \"10.0.0.0/8\", without bits behind its prefix";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn why_refused(text: &str) -> Option<String> {
        web::is_everybody(text).then(|| {
            format!(
                "\"{text}\" is everybody and no network of proxies: anybody could claim any address with \
                 X-Forwarded-For"
            )
        })
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

//! The request headers that have a meaning in OData.

use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use odata::format::{Format, parts};

use crate::http::media_type;
use crate::respond::odata::ODataProblem;

const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const VERSION: HeaderName = HeaderName::from_static("odata-version");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The version of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V4_0,
    V4_01,
}

impl Version {
    /// The highest version that the client accepts ([Protocol
    /// §8.2.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_HeaderODataMaxVersion)).
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ODataProblem> {
        if let Some(value) = headers.get(VERSION)
            && read_version(value).is_none()
        {
            return Err(unsupported("OData-Version"));
        }
        match headers.get(MAX_VERSION) {
            None => Ok(Self::V4_01),
            Some(value) => read_version(value).ok_or_else(|| unsupported("OData-MaxVersion")),
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V4_0 => "4.0",
            Self::V4_01 => "4.01",
        }
    }
}

/// Our highest version that is not above the given one.
fn read_version(value: &HeaderValue) -> Option<Version> {
    let text = value.to_str().ok()?.trim();
    // Clients of earlier versions append their name after a semicolon.
    let (major, minor) = text.split(';').next()?.trim().split_once('.')?;
    let is_number = |digits: &str| digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(major) || !is_number(minor) || minor.is_empty() {
        return None;
    }
    match (major.parse::<u32>().ok()?, minor) {
        (4, "0" | "00") => Some(Version::V4_0),
        (4.., _) => Some(Version::V4_01),
        _ => None,
    }
}

fn unsupported(header: &str) -> ODataProblem {
    let message = format!("{header} contains no supported version of OData; 4.0 and 4.01 are supported");
    ODataProblem::new(StatusCode::BAD_REQUEST, "UnsupportedVersion", message)
}

/// The `Accept` headers as one; empty if there is none.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Cow<'_, str>, ODataProblem> {
    media_type::accept(headers).map_err(|_| {
        ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", "the Accept header is not ASCII")
    })
}

/// The page size that the client prefers, in rows, and the spelling in which it was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize {
    pub(crate) rows: usize,
    name: &'static str,
}

impl PageSize {
    /// The preference `maxpagesize`, with or without prefix; the first one counts, and an invalid one is
    /// ignored ([RFC 7240 §2](https://www.rfc-editor.org/rfc/rfc7240#section-2)).
    pub(crate) fn preferred(headers: &HeaderMap) -> Option<Self> {
        Preferred::of(headers).page_size
    }

    /// The size that a preference asks for, if it is this one and valid.
    fn read(name: &str, value: &str) -> Option<Self> {
        let names = ["odata.maxpagesize", "maxpagesize"];
        let name = names.into_iter().find(|known| name.eq_ignore_ascii_case(known))?;
        let rows = value.parse::<u64>().ok().filter(|rows| *rows > 0)?;
        Some(Self { rows: usize::try_from(rows).unwrap_or(usize::MAX), name })
    }

    /// The preference as it is applied.
    fn applied(self, rows: usize) -> String {
        format!("{}={rows}", self.name)
    }
}

/// What a client prefers of a read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Preferred {
    pub(crate) page_size: Option<PageSize>,
    /// Which values it does not want: `nulls` or `defaults`, which are nulls too, since the model declares no others ([Protocol
    /// §8.2.8.6](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_Preferenceomitvalues)).
    pub(crate) omits: Option<&'static str>,
}

impl Preferred {
    /// The preferences in these headers; of each, the first valid one counts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let preferences = lists.flat_map(|list| parts(list, b',')).flat_map(|item| parts(item, b';'));
        let mut preferred = Self::default();
        for (name, value) in preferences.filter_map(|preference| preference.split_once('=')) {
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            preferred.page_size = preferred.page_size.or_else(|| PageSize::read(name, value));
            if name.eq_ignore_ascii_case("omit-values") {
                let known = ["nulls", "defaults"].into_iter().find(|known| value.eq_ignore_ascii_case(known));
                preferred.omits = preferred.omits.or(known);
            }
        }
        preferred
    }

    /// The response header about them: to a page with at most this many rows, or to another response in this format.
    pub(crate) fn applied(self, format: Format, rows: Option<usize>) -> Option<HeaderValue> {
        let size = self.page_size.zip(rows).map(|(size, rows)| size.applied(rows));
        let omitted = self.omits.filter(|_| format.omits_nulls).map(|omits| format!("omit-values={omits}"));
        let applied: Vec<String> = size.into_iter().chain(omitted).collect();
        (!applied.is_empty()).then(|| HeaderValue::from_str(&applied.join(", ")).ok())?
    }
}

/// Whether the client prefers the changed resource in the response, and how it has asked ([Protocol
/// §8.2.8.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_Preferencereturnrepresentationandreturnmin)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Return {
    pub(crate) representation: bool,
}

impl Return {
    /// The preference `return`; the first one counts.
    pub(crate) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let lists = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let mut preferences = lists.flat_map(|list| parts(list, b',')).flat_map(|item| parts(item, b';'));
        preferences.find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let value = value.trim().trim_matches('"');
            let representation = match value {
                value if value.eq_ignore_ascii_case("representation") => true,
                value if value.eq_ignore_ascii_case("minimal") => false,
                _ => return None,
            };
            name.trim().eq_ignore_ascii_case("return").then_some(Self { representation })
        })
    }

    /// The response header about it.
    pub(crate) const fn applied(self) -> &'static str {
        if self.representation { "return=representation" } else { "return=minimal" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_response_has_the_highest_version_that_the_client_accepts() {
        for (given, version) in [
            ("4.0", Some(Version::V4_0)),
            ("4.01", Some(Version::V4_01)),
            ("4.02", Some(Version::V4_01)),
            ("5.0", Some(Version::V4_01)),
            ("4.0;Client", Some(Version::V4_0)),
            ("3.0", None),
            ("4", None),
            ("4.", None),
            ("-4.0", None),
            ("99999999999.0", None),
        ] {
            assert_eq!(Version::of(&headers(&MAX_VERSION, &[given])).ok(), version, "{given}");
        }
        assert_eq!(Version::of(&HeaderMap::new()).ok(), Some(Version::V4_01));
        assert!(Version::of(&headers(&VERSION, &["3.0"])).is_err());
    }

    #[test]
    fn the_page_size_is_found_in_both_spellings_of_the_preference() {
        let preferred = |values: &[&'static str]| PageSize::preferred(&headers(&PREFER, values));
        let rows = |values: &[&'static str]| preferred(values).map(|preferred| preferred.rows);
        assert_eq!(rows(&["odata.maxpagesize=5"]), Some(5));
        assert_eq!(rows(&["respond-async, MaxPageSize=\"7\""]), Some(7));
        assert_eq!(rows(&["return=minimal", "maxpagesize=8"]), Some(8));
        assert_eq!(rows(&["x=\"a,maxpagesize=1;maxpagesize=2\";y, maxpagesize=9"]), Some(9));
        assert_eq!(rows(&["x=\"\\\",maxpagesize=3\""]), None);
        assert_eq!(rows(&["maxpagesize=0"]), None);
        assert_eq!(rows(&["maxpagesize=x"]), None);
        let applied = preferred(&["maxpagesize=9999999"]).unwrap().applied(2000);
        assert_eq!(applied, "maxpagesize=2000");
    }

    #[test]
    fn the_values_that_a_client_does_not_want_are_nulls() {
        let preferred = |values: &[&'static str]| Preferred::of(&headers(&PREFER, values));
        for (value, omits) in [
            ("omit-values=nulls", Some("nulls")),
            ("maxpagesize=5, Omit-Values=\"Defaults\"", Some("defaults")),
            ("omit-values=everything", None),
            ("omit-values=everything, omit-values=nulls", Some("nulls")),
            ("omit-values", None),
        ] {
            assert_eq!(preferred(&[value]).omits, omits, "{value}");
        }
        let format = Format { omits_nulls: true, ..Format::default() };
        let both = preferred(&["odata.maxpagesize=5", "omit-values=nulls"]);
        assert_eq!(both.applied(format, Some(7)).unwrap(), "odata.maxpagesize=7, omit-values=nulls");
        assert_eq!(both.applied(format, None).unwrap(), "omit-values=nulls");
        assert_eq!(both.applied(Format::default(), None), None);
    }
}

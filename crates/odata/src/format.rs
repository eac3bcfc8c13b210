//! The requested format: JSON, with an amount of control information, or rows alone, as CSV or NDJSON.

mod accept;
mod media_type;
mod rows;

pub use accept::{AcceptedFormats, admits};
pub use media_type::{MediaType, Parameter, parts};

/// The amount of control information ([OData JSON 4.01
/// §3.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControllingtheAmountofControlInformationin)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetadataLevel {
    /// Only what a client cannot compute.
    #[default]
    Minimal,
    /// Everything, including ids and types.
    Full,
    /// Only next links and counts.
    None,
}

/// How the rows of a collection are written. What is not JSON has rows alone: no control information, count or next link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Notation {
    /// One JSON object.
    #[default]
    Json,
    /// A JSON object on each line ([NDJSON](https://github.com/ndjson/ndjson-spec)).
    Lines,
    /// A line of values for each row, after one with their names ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)).
    Csv,
}

/// The representation of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Format {
    /// How the rows of a collection are written.
    pub notation: Notation,
    /// The amount of control information.
    pub metadata: MetadataLevel,
    /// Whether 64-bit integers and decimals are written as strings.
    pub ieee754_compatible: bool,
    /// Whether properties of entities that are null are left out ([Protocol
    /// §8.2.8.6](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_Preferenceomitvalues)).
    pub omits_nulls: bool,
    /// Whether CSV has no line with the names.
    pub omits_names: bool,
}

/// The representation of the metadata document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataFormat {
    /// CSDL XML.
    Xml,
    /// CSDL JSON.
    Json,
}

impl MetadataFormat {
    /// The best acceptable one for an `Accept` header; `None` if neither is acceptable. Clients that prefer JSON for data send the
    /// same header for the metadata document, which many of them can read as XML only. So it is JSON only for those who do not
    /// accept XML.
    pub fn accept(header: &str) -> Option<Self> {
        [Self::Xml, Self::Json].into_iter().find(|format| admits(header, format.media_type()))
    }

    /// The `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Json => "application/json",
        }
    }
}

/// The meaning of a `$format` value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedFormat {
    Json(Format),
    /// Rows alone.
    Rows(Format),
    Xml,
    /// Valid, but not available here.
    Other,
}

/// The parameters of `application/json`.
#[derive(Debug, Clone, Copy, Default)]
struct Wishes {
    metadata: Option<MetadataLevel>,
    ieee754_compatible: Option<bool>,
    /// Whether there are other parameters, which have no meaning here.
    has_others: bool,
}

impl Format {
    /// Returns the best acceptable format for an `Accept` header, or `None` if JSON is not acceptable.
    pub fn accept(header: &str) -> Option<Self> {
        accept::json(header)
    }

    /// The `Content-Type` of data in this format.
    pub fn media_type(self) -> &'static str {
        match self.notation {
            Notation::Json => self.media_type_of_json(),
            Notation::Lines | Notation::Csv => self.media_type_of_rows(),
        }
    }

    fn media_type_of_json(self) -> &'static str {
        match (self.metadata, self.ieee754_compatible) {
            (MetadataLevel::Minimal, false) => "application/json;odata.metadata=minimal",
            (MetadataLevel::Full, false) => "application/json;odata.metadata=full",
            (MetadataLevel::None, false) => "application/json;odata.metadata=none",
            (MetadataLevel::Minimal, true) => {
                "application/json;odata.metadata=minimal;IEEE754Compatible=true"
            }
            (MetadataLevel::Full, true) => "application/json;odata.metadata=full;IEEE754Compatible=true",
            (MetadataLevel::None, true) => "application/json;odata.metadata=none;IEEE754Compatible=true",
        }
    }
}

impl Wishes {
    /// Parses parameters with or without the prefix `odata.`. Returns `None` for a value that JSON does not
    /// have, or one of versions 2 and 3.
    fn read(media_type: MediaType<'_>) -> Option<Self> {
        let mut wishes = Self::default();
        for parameter in media_type.parameters() {
            let Parameter { name, value } = parameter;
            let bare = bare(name);
            if bare.eq_ignore_ascii_case("metadata") {
                wishes.metadata = Some(MetadataLevel::named(value)?);
            } else if bare.eq_ignore_ascii_case("ieee754compatible") {
                let is_compatible = value.eq_ignore_ascii_case("true");
                if !is_compatible && !value.eq_ignore_ascii_case("false") {
                    return None;
                }
                wishes.ieee754_compatible = Some(is_compatible);
            } else if bare.eq_ignore_ascii_case("odata") {
                return None;
            } else if parameter.weight().is_none() {
                wishes.has_others = true;
            }
        }
        Some(wishes)
    }

    fn count(self) -> u8 {
        u8::from(self.metadata.is_some()) + u8::from(self.ieee754_compatible.is_some())
    }

    fn admit(self, format: Format) -> bool {
        self.metadata.is_none_or(|wanted| wanted == format.metadata)
            && self.ieee754_compatible.is_none_or(|wanted| wanted == format.ieee754_compatible)
    }
}

/// The name of a parameter without the prefix `odata.`.
fn bare(name: &str) -> &str {
    match name.split_at_checked(6) {
        Some((prefix, bare)) if prefix.eq_ignore_ascii_case("odata.") => bare,
        _ => name,
    }
}

impl MetadataLevel {
    fn named(name: &str) -> Option<Self> {
        let levels = [("minimal", Self::Minimal), ("full", Self::Full), ("none", Self::None)];
        levels.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, level)| level)
    }
}

/// Parses a value of `$format`: a media type or a short name.
pub(crate) fn read(asked: &str) -> RequestedFormat {
    let asked = MediaType::read(asked);
    let is = |names: [&str; 2]| names.iter().any(|name| asked.is(name));
    if is(["xml", "application/xml"]) {
        return RequestedFormat::Xml;
    }
    if let Some(notation) = rows::notation_of_format(asked) {
        return rows::read(notation, asked).map_or(RequestedFormat::Other, RequestedFormat::Rows);
    }
    let wishes = Wishes::read(asked).filter(|_| is(["json", "application/json"]));
    wishes.map_or(RequestedFormat::Other, |wishes| {
        RequestedFormat::Json(Format {
            notation: Notation::Json,
            metadata: wishes.metadata.unwrap_or_default(),
            ieee754_compatible: wishes.ieee754_compatible.unwrap_or_default(),
            omits_nulls: false,
            omits_names: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_of_power_query_gets_minimal_metadata() {
        let header = "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
                      application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7";
        assert_eq!(Format::accept(header), Some(Format::default()));
    }

    #[test]
    fn control_words_go_with_and_without_prefix() {
        let full = Format { metadata: MetadataLevel::Full, ieee754_compatible: true, ..Format::default() };
        assert_eq!(Format::accept("application/json;odata.metadata=full;IEEE754Compatible=true"), Some(full));
        assert_eq!(Format::accept("application/json; metadata=full; ieee754compatible=true"), Some(full));
    }

    #[test]
    fn what_cannot_be_written_is_not_acceptable() {
        assert_eq!(Format::accept("text/csv"), None);
        assert_eq!(Format::accept("application/json;q=0"), None);
        assert_eq!(Format::accept("text/html, */*;q=0.1"), Some(Format::default()));
    }
}

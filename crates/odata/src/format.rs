//! Which JSON is asked for: the amount of control information, and whether large numbers are strings.

/// How much control information goes beside the data
/// ([OData JSON 4.01 §3.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControllingtheAmountofControlInformationin)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetadataLevel {
    /// What a client cannot compute.
    #[default]
    Minimal,
    /// Everything, ids and types included.
    Full,
    /// Only next links and counts.
    None,
}

/// The representation of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Format {
    /// Amount of control information.
    pub metadata: MetadataLevel,
    /// Whether 64-bit integers and decimals are written as strings.
    pub ieee754_compatible: bool,
}

/// What a `$format` value or one media range of an `Accept` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Json(Format),
    Xml,
    /// Valid, but nothing that is written here.
    Other,
}

impl Format {
    /// The best acceptable format of an `Accept` header; none when nothing that can be written is acceptable.
    /// XML counts as acceptable, since the metadata document is XML: the data then comes as JSON only if the header
    /// admits JSON or a wildcard too.
    pub fn accept(header: &str) -> Option<Self> {
        let mut best: Option<(u32, Self)> = None;
        for range in header.split(',') {
            let quality = quality(range);
            if let (Asked::Json(format), 1..) = (read(range), quality)
                && best.is_none_or(|(other, _)| quality > other)
            {
                best = Some((quality, format));
            }
        }
        if header.trim().is_empty() {
            return Some(Self::default());
        }
        best.map(|(_, format)| format)
    }

    /// The `Content-Type` of data in this format.
    pub fn media_type(self) -> &'static str {
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

/// Reads a media range or one of the short names of `$format`.
pub(crate) fn read(range: &str) -> Asked {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    match media_type.as_str() {
        "application/xml" | "xml" => return Asked::Xml,
        "application/json" | "json" | "*/*" | "application/*" => {}
        _ => return Asked::Other,
    }
    let mut format = Format::default();
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        match (name.strip_prefix("odata.").unwrap_or(&name), value.as_str()) {
            ("metadata", "minimal") => format.metadata = MetadataLevel::Minimal,
            ("metadata", "full") => format.metadata = MetadataLevel::Full,
            ("metadata", "none") => format.metadata = MetadataLevel::None,
            ("ieee754compatible", "true") => format.ieee754_compatible = true,
            // `odata=…` is the parameter of versions 2 and 3.
            ("metadata" | "odata", _) => return Asked::Other,
            _ => {}
        }
    }
    Asked::Json(format)
}

/// The `q` of a media range in thousandths.
fn quality(range: &str) -> u32 {
    range
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("q="))
        .find_map(|q| q.parse::<f64>().ok())
        .map_or(1000, |q| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=1000"
            )]
            let thousandths = (q.clamp(0.0, 1.0) * 1000.0) as u32;
            thousandths
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
        let full = Format { metadata: MetadataLevel::Full, ieee754_compatible: true };
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

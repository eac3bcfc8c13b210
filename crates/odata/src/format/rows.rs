//! The formats of rows alone: CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)) and NDJSON.

use super::media_type::{MediaType, Parameter};
use super::{Format, MetadataLevel, Notation, bare};

/// The notations besides JSON, with their short names and their media types.
const NOTATIONS: [(Notation, &str, &str); 2] =
    [(Notation::Csv, "csv", "text/csv"), (Notation::Lines, "ndjson", "application/x-ndjson")];

/// The notation that a media type names, whatever its parameters are.
pub(super) fn notation(media_type: MediaType<'_>) -> Option<Notation> {
    NOTATIONS.into_iter().find(|(.., name)| media_type.is(name)).map(|(notation, ..)| notation)
}

/// The notation that a value of `$format` names.
pub(super) fn notation_of_format(asked: MediaType<'_>) -> Option<Notation> {
    let short = NOTATIONS.into_iter().find(|(_, short, _)| asked.is(short)).map(|(notation, ..)| notation);
    short.or_else(|| notation(asked))
}

/// The format of a notation with the parameters of a media type; `None` if no response has them. A client that names one
/// relies on it.
pub(super) fn read(notation: Notation, media_type: MediaType<'_>) -> Option<Format> {
    let mut format = Format::of_rows(notation);
    for parameter in media_type.parameters().filter(|parameter| parameter.weight().is_none()) {
        let Parameter { name, value } = parameter;
        let is = |known: &str| bare(name).eq_ignore_ascii_case(known);
        let chosen = |words: [&str; 2]| words.iter().position(|word| value.eq_ignore_ascii_case(word));
        match notation {
            _ if is("charset") && chosen(["utf-8", "utf8"]).is_some() => {}
            Notation::Csv if is("header") => format.omits_names = chosen(["present", "absent"])? == 1,
            Notation::Lines if is("ieee754compatible") => {
                format.ieee754_compatible = chosen(["false", "true"])? == 1;
            }
            _ => return None,
        }
    }
    Some(format)
}

impl Format {
    /// The format of rows alone, without parameters.
    const fn of_rows(notation: Notation) -> Self {
        Self {
            notation,
            metadata: MetadataLevel::None,
            ieee754_compatible: false,
            omits_nulls: false,
            omits_names: false,
        }
    }

    /// The `Content-Type` of rows alone.
    pub(super) fn media_type_of_rows(self) -> &'static str {
        match (self.notation, self.ieee754_compatible, self.omits_names) {
            (Notation::Csv, _, false) => "text/csv;charset=utf-8;header=present",
            (Notation::Csv, _, true) => "text/csv;charset=utf-8;header=absent",
            (_, false, _) => "application/x-ndjson",
            (_, true, _) => "application/x-ndjson;IEEE754Compatible=true",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_of_the_response_or_no_response_has_them() {
        for (text, expected) in [
            ("text/csv", Some("text/csv;charset=utf-8;header=present")),
            ("text/csv; charset=UTF-8; Header=\"Present\"", Some("text/csv;charset=utf-8;header=present")),
            ("text/csv;header=absent;q=0.5", Some("text/csv;charset=utf-8;header=absent")),
            ("text/csv;charset=utf-16", None),
            ("text/csv;header=maybe", None),
            ("text/csv;delimiter=tab", None),
            ("text/csv;IEEE754Compatible=true", None),
            ("application/x-ndjson", Some("application/x-ndjson")),
            ("application/x-ndjson;charset=utf8", Some("application/x-ndjson")),
            ("application/x-ndjson;IEEE754Compatible=false", Some("application/x-ndjson")),
            (
                "application/x-ndjson;odata.IEEE754Compatible=TRUE",
                Some("application/x-ndjson;IEEE754Compatible=true"),
            ),
            ("application/x-ndjson;IEEE754Compatible=yes", None),
            ("application/x-ndjson;header=absent", None),
            ("application/x-ndjson;odata.metadata=full", None),
        ] {
            let media_type = MediaType::read(text);
            let format = notation(media_type).and_then(|notation| read(notation, media_type));
            assert_eq!(format.map(Format::media_type), expected, "{text}");
        }
    }
}

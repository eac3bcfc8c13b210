//! The `Accept` header ([RFC 9110 §12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)): for each
//! format, the most specific matching range applies, wherever it is in the header.

use super::media_type::{MediaType, Parameter, parts};
use super::{Format, MetadataLevel, Notation, Wishes, rows};

/// The result for one format.
#[derive(Clone, Copy)]
struct Decision {
    precision: u8,
    weight: u16,
    /// The position of the range that applies in the header.
    at: usize,
}

/// All JSON formats, in order of preference.
const FORMATS: [Format; 6] = {
    const fn format(metadata: MetadataLevel, ieee754_compatible: bool) -> Format {
        Format {
            notation: Notation::Json,
            metadata,
            ieee754_compatible,
            omits_nulls: false,
            omits_names: false,
        }
    }
    [
        format(MetadataLevel::Minimal, false),
        format(MetadataLevel::Full, false),
        format(MetadataLevel::None, false),
        format(MetadataLevel::Minimal, true),
        format(MetadataLevel::Full, true),
        format(MetadataLevel::None, true),
    ]
};

/// What an `Accept` header admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AcceptedFormats {
    /// The best acceptable JSON format; `None` if JSON is not acceptable.
    pub json: Option<Format>,
    /// The format of rows alone, if the header names one and does not prefer JSON.
    pub rows: Option<Format>,
}

impl AcceptedFormats {
    /// What this header admits: the default format if it is empty.
    pub fn by(header: &str) -> Self {
        let (json, rows) = best(header);
        let rows = rows.filter(|(rows, _)| json.is_none_or(|(json, _)| rows.is_better_than(json)));
        Self { json: json.map(|(_, format)| format), rows: rows.map(|(_, format)| format) }
    }
}

impl AcceptedFormats {
    /// The same for a client that prefers to get no nulls, or does not.
    #[must_use]
    pub fn omitting_nulls(self, omits_nulls: bool) -> Self {
        let of = |format: Format| Format { omits_nulls, ..format };
        Self { json: self.json.map(of), rows: self.rows.map(of) }
    }
}

impl Decision {
    fn is_better_than(self, other: Self) -> bool {
        self.weight > other.weight || (self.weight == other.weight && self.at < other.at)
    }
}

/// Returns the best acceptable JSON format: the default one for an empty header, `None` if none is
/// acceptable.
pub(super) fn json(header: &str) -> Option<Format> {
    best(header).0.map(|(_, format)| format)
}

/// A format, and what the header says of it.
type Judged = (Decision, Format);

/// The best acceptable JSON format, and the best format of rows alone that the header names.
fn best(header: &str) -> (Option<Judged>, Option<Judged>) {
    let mut decisions: [Option<Decision>; FORMATS.len()] = [None; FORMATS.len()];
    let mut rows: Option<Judged> = None;
    let mut is_empty = true;
    for (at, range) in ranges(header).enumerate() {
        is_empty = false;
        let Some(precision) = precision(range.name, "application/json") else {
            rows = better(rows, named(range, at));
            continue;
        };
        let Some(wishes) = Wishes::read(range) else { continue };
        let weight = range.weight();
        // A refused range with a parameter that no response has does not match any response.
        if wishes.has_others && weight == 0 {
            continue;
        }
        let decision = Decision { precision: precision + wishes.count(), weight, at };
        for (format, decided) in FORMATS.iter().zip(&mut decisions) {
            if wishes.admit(*format) && decided.is_none_or(|other| decision.precision > other.precision) {
                *decided = Some(decision);
            }
        }
    }
    if is_empty {
        let decision = Decision { precision: 0, weight: 1000, at: 0 };
        return (Some((decision, Format::default())), None);
    }
    let mut json: Option<Judged> = None;
    for (format, decision) in FORMATS.into_iter().zip(decisions) {
        json = better(json, decision.map(|decision| (decision, format)));
    }
    (json, rows)
}

/// The better of two formats; neither is one that is refused.
fn better(one: Option<Judged>, other: Option<Judged>) -> Option<Judged> {
    match (one, other.filter(|(decision, _)| decision.weight > 0)) {
        (Some((decision, format)), Some((other, _))) if !other.is_better_than(decision) => {
            Some((decision, format))
        }
        (one, other) => other.or(one),
    }
}

/// The format of rows alone that a range names. Other ranges mean JSON, because who does not know these formats asks for everything too.
fn named(range: MediaType<'_>, at: usize) -> Option<Judged> {
    let format = rows::read(rows::notation(range)?, range)?;
    Some((Decision { precision: 3, weight: range.weight(), at }, format))
}

/// Whether an `Accept` header allows a media type, with or without parameters. An empty header allows
/// everything.
pub fn admits(header: &str, media_type: &str) -> bool {
    let own = MediaType::read(media_type);
    let has = |parameter: Parameter<'_>| own.parameters().any(|known| known.is_same(parameter));
    let mut best: Option<(u8, u16)> = None;
    let mut is_empty = true;
    for range in ranges(header) {
        is_empty = false;
        let Some(precision) = precision(range.name, own.name) else { continue };
        let weight = range.weight();
        let mut parameters = range.parameters().filter(|part| part.weight().is_none()).peekable();
        let is_bare = parameters.peek().is_none();
        let is_own = parameters.all(has);
        if !is_own && weight == 0 {
            continue;
        }
        let precision = precision + u8::from(is_own && !is_bare);
        if best.is_none_or(|(other, _)| precision > other) {
            best = Some((precision, weight));
        }
    }
    is_empty || best.is_some_and(|(_, weight)| weight > 0)
}

/// How exactly the name of a range matches a type without parameters; `None` if it does not match. Old
/// clients send a bare `*`.
fn precision(range: &str, essence: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(essence) {
        return Some(3);
    }
    let kind = essence.split('/').next().unwrap_or_default();
    match range.split_once('/') {
        Some((group, "*")) if group.eq_ignore_ascii_case(kind) => Some(2),
        Some(("*", "*")) => Some(1),
        None if range == "*" => Some(1),
        _ => None,
    }
}

fn ranges(header: &str) -> impl Iterator<Item = MediaType<'_>> {
    parts(header, b',').map(MediaType::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: Option<Format> = Some(FORMATS[0]);
    const FULL: Option<Format> = Some(FORMATS[1]);

    #[test]
    fn the_most_specific_range_decides_of_json() {
        for (header, expected) in [
            ("", MINIMAL),
            (" , ,", MINIMAL),
            ("*/*", MINIMAL),
            ("*", MINIMAL),
            ("text/html, image/gif, *; q=.2, */*; q=.2", MINIMAL),
            ("application/json;q=0, */*", None),
            ("*/*, application/json; Q=0.0", None),
            ("application/*;q=0, */*", None),
            ("application/json;q=0, application/*", None),
            ("application/*;q=0, application/json;q=0.001", MINIMAL),
            ("application/json;q=0.0001", MINIMAL),
            ("application/json;q=0, application/json;odata.metadata=full", FULL),
            ("application/json, application/json;odata.metadata=minimal;q=0", FULL),
            ("application/json;odata.metadata=full;q=0, application/json", MINIMAL),
            ("application/json;odata.metadata=full;q=0.4, application/json;q=0.5", MINIMAL),
            ("application/json;odata.metadata=full;q=0.5, application/json;q=0.4", FULL),
            ("application/json;odata.metadata=\"full\"", FULL),
            ("text/x;a=\"b,application/json\"", None),
            ("application/json;charset=utf-16;q=0, application/json", MINIMAL),
            ("application/json;odata=verbose, */*;q=0.1", MINIMAL),
            ("application/json;odata=verbose", None),
            ("application/json;odata.metadata=all", None),
            ("application/json;q=high", MINIMAL),
            ("*/*;q=0", None),
            ("nonsense", None),
        ] {
            assert_eq!(json(header), expected, "{header}");
        }
        let compatible = json("application/json;IEEE754Compatible=true").unwrap();
        assert!(compatible.ieee754_compatible && compatible.metadata == MetadataLevel::Minimal);
        let refused = json("application/json;IEEE754Compatible=false;q=0, application/json").unwrap();
        assert!(refused.ieee754_compatible);
    }

    #[test]
    fn rows_alone_are_for_those_who_name_them() {
        for (header, is_json, rows) in [
            ("", true, None),
            ("*/*", true, None),
            ("text/*", false, None),
            ("text/csv", false, Some(Notation::Csv)),
            ("TEXT/CSV; charset=utf-8; header=present", false, Some(Notation::Csv)),
            ("application/x-ndjson, */*;q=0.1", true, Some(Notation::Lines)),
            ("text/csv, application/json", true, Some(Notation::Csv)),
            ("application/json, text/csv", true, None),
            ("application/json;q=0.5, text/csv", true, Some(Notation::Csv)),
            ("text/csv;q=0.5, application/x-ndjson", false, Some(Notation::Lines)),
            ("text/csv;q=0.5, application/x-ndjson;q=0.5", false, Some(Notation::Csv)),
            ("text/csv;q=0, application/x-ndjson;q=0.1", false, Some(Notation::Lines)),
            ("text/csv;q=0, */*", true, None),
            ("*/*, text/csv;q=0.5", true, None),
            ("text/csv;header=absent", false, Some(Notation::Csv)),
            ("text/csv;charset=utf-16", false, None),
            ("text/csv;charset=utf-16, application/x-ndjson;q=0.5", false, Some(Notation::Lines)),
            ("text/csv;delimiter=tab, */*;q=0.1", true, None),
        ] {
            let AcceptedFormats { json: found, rows: of_rows } = AcceptedFormats::by(header);
            assert_eq!((found.is_some(), of_rows.map(|format| format.notation)), (is_json, rows), "{header}");
        }
    }

    #[test]
    fn the_most_specific_range_decides_of_other_types() {
        for (header, admitted) in [
            ("", true),
            ("*/*", true),
            ("*", true),
            ("application/*;q=0.2", true),
            ("application/xml", true),
            ("APPLICATION/XML;charset=utf-8", true),
            ("application/json", false),
            ("application/xml;q=0, */*", false),
            ("*/*, application/xml; q=0.0", false),
            ("application/xml;version=2;q=0, application/xml", true),
            ("text/*", false),
            ("nonsense", false),
        ] {
            assert_eq!(admits(header, "application/xml"), admitted, "{header}");
        }
        assert!(admits("text/plain", "text/plain;charset=utf-8"));
        assert!(!admits("text/plain, text/plain; charset = \"UTF-8\"; Q=0", "text/plain;charset=utf-8"));
        assert!(!admits("text/plain, text/plain;charset=UTF-8;q=0", "text/plain;charset=utf-8"));
        assert!(admits("text/plain;q=0, text/plain;charset=utf-8", "text/plain;charset=utf-8"));
    }
}

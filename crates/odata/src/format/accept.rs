//! The `Accept` header ([RFC 9110 §12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)): for each
//! format, the most specific matching range applies, wherever it is in the header.

use super::media_type::{MediaType, Parameter, parts};
use super::{Format, MetadataLevel, Wishes};

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
        Format { metadata, ieee754_compatible }
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

/// Returns the best acceptable JSON format: the default one for an empty header, `None` if none is
/// acceptable.
pub(super) fn json(header: &str) -> Option<Format> {
    let mut decisions: [Option<Decision>; FORMATS.len()] = [None; FORMATS.len()];
    let mut is_empty = true;
    for (at, range) in ranges(header).enumerate() {
        is_empty = false;
        let Some(precision) = precision(range.name, "application/json") else { continue };
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
        return Some(Format::default());
    }
    let mut best: Option<(Decision, Format)> = None;
    for (format, decision) in FORMATS.into_iter().zip(decisions) {
        let Some(decision) = decision.filter(|decision| decision.weight > 0) else { continue };
        let is_better = |other: Decision| {
            decision.weight > other.weight || (decision.weight == other.weight && decision.at < other.at)
        };
        if best.is_none_or(|(other, _)| is_better(other)) {
            best = Some((decision, format));
        }
    }
    best.map(|(_, format)| format)
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

//! The `traceparent` header ([Trace Context §3.2](https://www.w3.org/TR/trace-context-1/#traceparent-header)).

use http::HeaderMap;

/// What a caller says about the trace to which its request belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceParent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    /// Whether the caller collects the trace.
    pub(super) is_sampled: bool,
}

impl TraceParent {
    /// The trace of a request with these headers. A header that is malformed or repeated counts as absent.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.as_bytes())
    }

    /// Parses `00-{trace}-{span}-{flags}`. A later version may say more after another hyphen.
    fn parse(text: &[u8]) -> Option<Self> {
        let (known, further) = text.split_at_checked(55)?;
        let [version] = hex(&known[..2])?;
        let fits =
            if version == 0 { further.is_empty() } else { further.first().is_none_or(|next| *next == b'-') };
        let is_separated = [2, 35, 52].into_iter().all(|at| known[at] == b'-');
        if version == 0xff || !fits || !is_separated {
            return None;
        }
        let (trace, span, [flags]) = (hex(&known[3..35])?, hex(&known[36..52])?, hex(&known[53..])?);
        let is_named = trace != [0; 16] && span != [0; 8];
        is_named.then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

/// The bytes that lower-case hexadecimal digits write.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(digit);
        *byte = high? << 4 | low?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn parse(text: &str) -> Option<TraceParent> {
        TraceParent::parse(text.as_bytes())
    }

    #[test]
    fn the_header_names_the_trace_and_the_span_of_the_caller() {
        let parent = parse(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(format!("{:032x}", u128::from_be_bytes(parent.trace)), TRACE);
        assert_eq!(format!("{:016x}", u64::from_be_bytes(parent.span)), SPAN);
        assert!(parent.is_sampled);
        assert!(!parse(&format!("00-{TRACE}-{SPAN}-02")).unwrap().is_sampled);
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01-what-the-future-says")).is_some());
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01")).is_some());
    }

    #[test]
    fn a_malformed_header_counts_as_absent() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01."),
            format!("cc-{TRACE}-{SPAN}-01."),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-001"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-0g"),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
        let valid = format!("00-{TRACE}-{SPAN}-01");
        let mut headers = HeaderMap::new();
        headers.append("traceparent", valid.parse().unwrap());
        assert!(TraceParent::of(&headers).is_some());
        headers.append("traceparent", valid.parse().unwrap());
        assert_eq!(TraceParent::of(&headers), None, "it is repeated");
    }
}

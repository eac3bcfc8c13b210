//! Whether an `Accept` header admits a media type
//! ([RFC 9110 §12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)).

/// Whether the header admits `media_type`: the most specific range that fits decides. An empty header admits all.
pub(super) fn admits(header: &str, media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    let kind = essence.split('/').next().unwrap_or_default();
    let mut best: Option<(u8, bool)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let precision = match name.split_once('/') {
            _ if name.eq_ignore_ascii_case(essence) => 3,
            Some((group, "*")) if group.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let wanted = !parts.any(refuses);
        if best.is_none_or(|(other, _)| precision > other) {
            best = Some((precision, wanted));
        }
    }
    header.trim().is_empty() || best.is_some_and(|(_, wanted)| wanted)
}

/// Whether a parameter is a quality of zero.
fn refuses(parameter: &str) -> bool {
    let quality = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    quality.and_then(|quality| quality.parse::<f32>().ok()).is_some_and(|quality| quality <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        for (header, admitted) in [
            ("", true),
            ("*/*", true),
            ("application/*;q=0.2", true),
            ("application/xml", true),
            ("APPLICATION/XML;charset=utf-8", true),
            ("application/json", false),
            ("application/xml;q=0, */*", false),
            ("*/*, application/xml; q=0.0", false),
            ("text/*", false),
            ("nonsense", false),
        ] {
            assert_eq!(admits(header, "application/xml"), admitted, "{header}");
        }
        assert!(admits("text/plain", "text/plain;charset=utf-8"));
    }
}

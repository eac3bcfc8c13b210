//! Conditional requests.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Whether the client already has the representation with this tag ([RFC 9110
/// §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
pub(crate) fn none_match_fails(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(entity_tags).any(|sent| sent == "*" || sent.strip_prefix("W/").unwrap_or(sent) == tag)
}

/// The entity tags of a list. A backslash in a tag is a character like any other ([RFC 9110
/// §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)), unlike in a quoted string.
fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let separates = move |character: char| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    };
    list.split(separates).map(str::trim_ascii).filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        let fails = |value| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(value))]);
            none_match_fails(&headers, "\"a\"")
        };
        assert!(fails("\"a\"") && fails("\"b\", W/\"a\"") && fails("*"));
        assert!(!fails("\"b\"") && !fails("a"));
        assert!(fails(r#""b\", "a""#) && !fails(r#""b\","#));
        assert!(!fails("\"b,*,c\"") && fails("\"b,c\", \"a\""));
    }
}

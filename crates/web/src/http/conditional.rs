//! Conditional requests.

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};

/// What a request that changes something demands of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing.
    None,
    /// It exists ([RFC 9110 §13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1)).
    Exists,
    /// It does not exist ([RFC 9110 §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
    IsNew,
    /// It has this tag, without its quotes.
    Is(String),
}

/// The precondition of a change; `None` for one that this server does not understand: both headers, several tags, or
/// `If-None-Match` with a tag.
pub(crate) fn precondition(headers: &HeaderMap) -> Option<Precondition> {
    let lists = |name| -> Option<Vec<&str>> {
        let values = headers.get_all(name).iter().map(|value| value.to_str().ok());
        Some(values.collect::<Option<Vec<_>>>()?.into_iter().flat_map(entity_tags).collect())
    };
    match (lists(IF_MATCH)?.as_slice(), lists(IF_NONE_MATCH)?.as_slice()) {
        ([], []) if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) => {
            Some(Precondition::None)
        }
        (["*"], []) => Some(Precondition::Exists),
        ([], ["*"]) => Some(Precondition::IsNew),
        // A weak tag never matches, so it is kept with its mark.
        ([tag], []) if tag.starts_with("W/") => Some(Precondition::Is((*tag).to_owned())),
        ([tag], []) => {
            let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
            Some(Precondition::Is(inner.to_owned()))
        }
        _ => None,
    }
}

/// Whether the client already has the representation with this tag ([RFC 9110
/// §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
pub(crate) fn none_match_fails(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(entity_tags).any(|sent| sent == "*" || sent.strip_prefix("W/").unwrap_or(sent) == tag)
}

/// The entity tags of a list. A backslash in a tag is a character like any other ([RFC 9110
/// §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)), unlike in a quoted string.
pub(crate) fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
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
    fn a_change_has_one_precondition() {
        let of = |pairs: &[(http::HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            precondition(&headers.collect::<HeaderMap>())
        };
        assert_eq!(of(&[]), Some(Precondition::None));
        assert_eq!(of(&[(IF_MATCH, "*")]), Some(Precondition::Exists));
        assert_eq!(of(&[(IF_MATCH, "\"3\"")]), Some(Precondition::Is("3".to_owned())));
        assert_eq!(of(&[(IF_MATCH, "W/\"3\"")]), Some(Precondition::Is("W/\"3\"".to_owned())));
        assert_eq!(of(&[(IF_NONE_MATCH, "*")]), Some(Precondition::IsNew));
        for unclear in [
            [(IF_MATCH, ""), (IF_NONE_MATCH, "")].as_slice(),
            &[(IF_MATCH, "3")],
            &[(IF_MATCH, "\"")],
            &[(IF_MATCH, "\"3\", \"4\"")],
            &[(IF_NONE_MATCH, "\"3\"")],
            &[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")],
        ] {
            assert_eq!(of(unclear), None, "{unclear:?}");
        }
    }

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

//! Conditional requests.

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

/// What a request that changes something demands of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing.
    None,
    /// It exists ([RFC 9110 §13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1)).
    Exists,
    /// It does not exist ([RFC 9110 §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
    IsNew,
    /// It has one of these tags, which are as they were sent.
    Is(Vec<String>),
}

/// Why the precondition of a change is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PreconditionFault {
    /// A header contains something else than entity tags, or than `*` alone.
    Malformed,
    /// There are both headers.
    Both,
    /// `If-None-Match` has a tag, which has no use for a change.
    TagOfOthers,
}

/// The precondition of a change.
///
/// # Errors
/// If it is none, or one that this server does not understand.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, PreconditionFault> {
    let lists = |name| -> Option<Vec<&str>> {
        let values = headers.get_all(name).iter().map(|value| value.to_str().ok());
        Some(values.collect::<Option<Vec<_>>>()?.into_iter().flat_map(entity_tags).collect())
    };
    let malformed = PreconditionFault::Malformed;
    let matched = lists(IF_MATCH).ok_or(malformed)?;
    let unmatched = lists(IF_NONE_MATCH).ok_or(malformed)?;
    match (headers.contains_key(IF_MATCH), headers.contains_key(IF_NONE_MATCH)) {
        (false, false) => Ok(Precondition::None),
        (true, true) => Err(PreconditionFault::Both),
        (true, false) if matched == ["*"] => Ok(Precondition::Exists),
        (true, false) if are_tags(&matched) => {
            Ok(Precondition::Is(matched.into_iter().map(str::to_owned).collect()))
        }
        (false, true) if unmatched == ["*"] => Ok(Precondition::IsNew),
        (false, true) if are_tags(&unmatched) => Err(PreconditionFault::TagOfOthers),
        _ => Err(malformed),
    }
}

/// Whether there are texts, each of which is an entity tag ([RFC 9110
/// §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).
fn are_tags(texts: &[&str]) -> bool {
    let inner = |text: &str| unmarked(text).strip_prefix('"')?.strip_suffix('"').map(str::len);
    !texts.is_empty() && texts.iter().all(|text| inner(text).is_some())
}

/// What the conditions of a read demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadCondition {
    /// They hold, or there are none.
    Holds,
    /// The client has what it asks for.
    Unmodified,
    /// What it asks for is not what it expects.
    Failed,
}

/// What the conditions of a read demand whose result has this tag, in the order of [RFC 9110
/// §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2).
pub(crate) fn read_condition(headers: &HeaderMap, tag: &str) -> ReadCondition {
    if headers.contains_key(IF_MATCH) && !names(headers, &IF_MATCH, tag) {
        ReadCondition::Failed
    } else if none_match_fails(headers, tag) {
        ReadCondition::Unmodified
    } else {
        ReadCondition::Holds
    }
}

/// Whether the client already has the representation with this tag ([RFC 9110
/// §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
pub(crate) fn none_match_fails(headers: &HeaderMap, tag: &str) -> bool {
    names(headers, &IF_NONE_MATCH, tag)
}

/// Whether a header contains a tag, or all of them, by the weak comparison of [RFC 9110
/// §8.8.3.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.2).
fn names(headers: &HeaderMap, header: &HeaderName, tag: &str) -> bool {
    let lists = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(entity_tags).any(|sent| sent == "*" || unmarked(sent) == unmarked(tag))
}

/// A tag without the mark of weak ones.
pub(crate) fn unmarked(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
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
    fn a_change_has_one_precondition() {
        let of = |pairs: &[(http::HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            precondition(&headers.collect::<HeaderMap>())
        };
        let tags = |tags: &[&str]| Ok(Precondition::Is(tags.iter().copied().map(str::to_owned).collect()));
        assert_eq!(of(&[]), Ok(Precondition::None));
        assert_eq!(of(&[(IF_MATCH, "*")]), Ok(Precondition::Exists));
        assert_eq!(of(&[(IF_MATCH, "\"3\"")]), tags(&["\"3\""]));
        assert_eq!(of(&[(IF_MATCH, "W/\"3\", \"4\"")]), tags(&["W/\"3\"", "\"4\""]));
        assert_eq!(of(&[(IF_NONE_MATCH, "*")]), Ok(Precondition::IsNew));
        for (fault, unclear) in [
            (PreconditionFault::Both, [(IF_MATCH, ""), (IF_NONE_MATCH, "")].as_slice()),
            (PreconditionFault::Both, &[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]),
            (PreconditionFault::Malformed, &[(IF_MATCH, "")]),
            (PreconditionFault::Malformed, &[(IF_MATCH, "3")]),
            (PreconditionFault::Malformed, &[(IF_MATCH, "\"")]),
            (PreconditionFault::Malformed, &[(IF_MATCH, "*, \"3\"")]),
            (PreconditionFault::Malformed, &[(IF_NONE_MATCH, "3")]),
            (PreconditionFault::TagOfOthers, &[(IF_NONE_MATCH, "\"3\"")]),
        ] {
            assert_eq!(of(unclear), Err(fault), "{unclear:?}");
        }
        let foreign = HeaderValue::from_bytes(b"\"\xe4\"").unwrap();
        for name in [IF_MATCH, IF_NONE_MATCH] {
            let headers = HeaderMap::from_iter([(name, foreign.clone())]);
            assert_eq!(precondition(&headers), Err(PreconditionFault::Malformed));
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

    #[test]
    fn a_read_may_have_both_conditions() {
        let of = |pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, HeaderValue::from_static(value));
            }
            read_condition(&headers, "W/\"a\"")
        };
        let (same, others) = ("W/\"a\"", "\"b\"");
        assert_eq!(of(&[]), ReadCondition::Holds);
        for (matched, unmatched, expected) in [
            (same, others, ReadCondition::Holds),
            (same, same, ReadCondition::Unmodified),
            (others, same, ReadCondition::Failed),
            ("*", "*", ReadCondition::Unmodified),
            ("", others, ReadCondition::Failed),
            ("unquoted", others, ReadCondition::Failed),
            ("\"b\" ,\tW/\"a\",W/\"a\"", "\"c\",\"b\"", ReadCondition::Holds),
        ] {
            assert_eq!(
                of(&[(IF_MATCH, matched), (IF_NONE_MATCH, unmatched)]),
                expected,
                "{matched} {unmatched}"
            );
        }
        assert_eq!(of(&[(IF_MATCH, others), (IF_MATCH, "\"a\"")]), ReadCondition::Holds);
        assert_eq!(of(&[(IF_NONE_MATCH, others), (IF_NONE_MATCH, "\"a\"")]), ReadCondition::Unmodified);
    }
}

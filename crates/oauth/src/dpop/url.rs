//! Comparing `htu` with the URL of a request, after the normalization of [RFC 3986
//! §6.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2) and
//! [§6.2.3](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.3), as [RFC 9449
//! §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3) asks.

use std::fmt::Write as _;

/// Whether two URLs are the same, without query and fragment. A text that is not a URL with `http` or `https` is never the
/// same.
pub(super) fn same(named: &str, actual: &str) -> bool {
    named == actual || normal(named).is_some_and(|named| normal(actual) == Some(named))
}

/// The normal form without query and fragment.
fn normal(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.to_ascii_lowercase();
    let shorter = authority.strip_suffix(default_port).or_else(|| authority.strip_suffix(':'));
    let host = shorter.unwrap_or(&authority);
    if host.is_empty() || host.contains('@') {
        return None;
    }
    Some(format!("{scheme}://{host}{}", without_dots(&unescaped(path)?)))
}

/// Escapes of unreserved characters are resolved, and the others are written with capital letters; `None` for a `%`
/// that is not an escape, and for characters outside ASCII.
fn unescaped(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            normal.push(char::from(byte).is_ascii_graphic().then_some(char::from(byte))?);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?].map(|digit| char::from(digit).to_digit(16));
        let [Some(high), Some(low)] = digits else { return None };
        let escaped = u8::try_from(high * 16 + low).ok()?;
        if escaped.is_ascii_alphanumeric() || b"-._~".contains(&escaped) {
            normal.push(char::from(escaped));
        } else {
            write!(normal, "%{escaped:02X}").ok()?;
        }
    }
    Some(normal)
}

/// The path without the segments `.` and `..` ([RFC 3986
/// §5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4)); it begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let ends_as_folder = path.ends_with("/.") || path.ends_with("/..");
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if ends_as_folder {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_after_normalization() {
        for (named, actual) in [
            ("https://gate.example/oauth2/token", "https://gate.example/oauth2/token"),
            ("HTTPS://Gate.Example:443/oauth2/token", "https://gate.example/oauth2/token"),
            ("http://gate.example:80", "http://gate.example/"),
            ("https://gate.example:/a", "https://gate.example/a"),
            ("https://gate.example/a?x=1#y", "https://gate.example/a"),
            ("https://gate.example/%7euser/%2fx", "https://gate.example/~user/%2Fx"),
            ("https://gate.example/a/./b/../c", "https://gate.example/a/c"),
            ("https://gate.example/a/b/..", "https://gate.example/a/"),
            ("https://gate.example/../a", "https://gate.example/a"),
            ("https://gate.example/a%28'x'%29", "https://gate.example/a%28'x'%29"),
        ] {
            assert!(same(named, actual) && same(actual, named), "{named}");
        }
    }

    #[test]
    fn other_urls_are_not_the_same() {
        let actual = "https://gate.example/a/b";
        for named in [
            "",
            "/a/b",
            "https://gate.example/a/b/",
            "https://gate.example/a/B",
            "https://gate.example/a%2Fb",
            "https://gate.example:8443/a/b",
            "http://gate.example/a/b",
            "https://gate.example.evil/a/b",
            "https://user@gate.example/a/b",
            "https://gate.example/a/b%",
            "https://gate.example/a/b%4",
            "https://gate.example//a/b",
            "ftp://gate.example/a/b",
            "https:///a/b",
        ] {
            assert!(!same(named, actual), "{named}");
        }
    }
}

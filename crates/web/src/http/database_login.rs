//! The name and the password for the database behind a data source, as clients of Hybrid Data Pipeline send them.

use app::identity::caller::DatabaseLogin;
use http::HeaderMap;

/// The header with the name.
const USER: &str = "ddcloud-datasource-user";

/// The header with the password.
const PASSWORD: &str = "ddcloud-datasource-password";

/// What the headers say, if they are there.
pub(crate) fn find(headers: &HeaderMap) -> Option<DatabaseLogin> {
    // Few requests have them, and all pass here: the names are compared, not hashed.
    if !headers.keys().any(|name| matches!(name.as_str(), USER | PASSWORD)) {
        return None;
    }
    Some(DatabaseLogin::of(only(headers, USER), only(headers, PASSWORD)))
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let (first, None) = (values.next()?, values.next()) else { return None };
    std::str::from_utf8(first.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Option<DatabaseLogin> {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut all = HeaderMap::new();
        headers.for_each(|(name, value)| {
            all.append(name, value);
        });
        find(&all)
    }

    #[test]
    fn both_headers_are_there_once_or_neither_is() {
        assert_eq!(of(&[]), None);
        let login = of(&[(USER, "åsa"), (PASSWORD, "hünter2")]);
        assert!(matches!(&login, Some(DatabaseLogin::Given(login)) if login.user() == "åsa"));
        assert!(!format!("{login:?}").contains("hünter2"));
        for malformed in [
            &[(USER, "ada")][..],
            &[(PASSWORD, "x")],
            &[(USER, "ada"), (PASSWORD, "")],
            &[(USER, ""), (PASSWORD, "x")],
            &[(USER, "ada"), (USER, "bob"), (PASSWORD, "x")],
            &[(USER, "ada"), (PASSWORD, "x"), (PASSWORD, "x")],
        ] {
            assert_eq!(of(malformed), Some(DatabaseLogin::Malformed), "{malformed:?}");
        }
    }
}

//! A URL in place of several options: `postgresql://user:password@host:port/database?sslmode=verify-full`.
//!
//! It is taken apart before anything else happens, so that its password is stored and checked like any other.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::options::{DataStore, OptionFault};
use crate::server::schema;

/// The key of the URL among options.
const URL: &str = "url";

/// The maximum length of a URL in bytes.
const LONGEST: usize = 8 * 1024;

/// The options with those of the URL instead of the URL. Options of a kind without URLs stay as they are.
///
/// # Errors
/// What is wrong with the URL, or contradicts it. No message contains a value.
pub fn with_url_taken_apart(
    store: &DataStore,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<OptionFault>> {
    if store.url_schemes.is_empty() {
        return Ok(given);
    }
    let Some(url) = given.remove(URL) else { return Ok(given) };
    let fault = |key: &str, message: String| OptionFault { key: key.to_owned(), message };
    let parts = parts(&url, store.url_schemes).map_err(|message| vec![fault(URL, message)])?;
    let mut faults = Vec::new();
    for (key, value) in parts {
        match given.get(key) {
            Some(other) if *other != value => {
                faults.push(fault(key, "contradicts the url; give it in one of the two only".to_owned()));
            }
            _ => drop(given.insert(key.to_owned(), value)),
        }
    }
    if faults.is_empty() { Ok(given) } else { Err(faults) }
}

type Parts = Vec<(&'static str, String)>;

fn parts(url: &str, schemes: &[&str]) -> Result<Parts, String> {
    if url.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    if !schemes.contains(&scheme) {
        let schemes: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        return Err(format!("must start with {}", schemes.join(" or ")));
    }
    if rest.contains('#') {
        return Err("must not have a fragment; write # as %23".to_owned());
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, address) = match authority.rsplit_once('@') {
        Some((credentials, address)) => (Some(credentials), address),
        None => (None, authority),
    };
    let mut parts = Parts::new();
    if let Some(credentials) = credentials {
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        parts.push((schema::USER.name, decoded(user)?));
        if let Some(password) = password {
            parts.push((schema::PASSWORD.name, decoded(password)?));
        }
    }
    address_parts(address, &mut parts)?;
    if !database.is_empty() {
        parts.push((schema::DATABASE.name, decoded(database)?));
    }
    query_parts(query, &mut parts)?;
    Ok(parts)
}

fn address_parts(address: &str, parts: &mut Parts) -> Result<(), String> {
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => {
            (host, Some(rest.strip_prefix(':').ok_or("must have a port after the brackets, or nothing")?))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Err("must name a host".to_owned());
    }
    parts.push((schema::HOST.name, decoded(host)?));
    parts.extend(port.map(|port| (schema::PORT.name, port.to_owned())));
    Ok(())
}

/// The only parameters are those about encryption. Certificates are always verified, so modes that would go on without
/// are refused.
fn query_parts(query: &str, parts: &mut Parts) -> Result<(), String> {
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !matches!(name, "sslmode" | "ssl-mode") {
            return Err("has another parameter than sslmode; give what it means as an option".to_owned());
        }
        let encryption = match value.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => schema::PLAIN,
            "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => schema::ENCRYPTED,
            _ => return Err("has an sslmode that is neither disable nor verify-full".to_owned()),
        };
        if parts.iter().any(|(key, _)| *key == schema::ENCRYPTION.name) {
            return Err("gives sslmode twice".to_owned());
        }
        parts.push((schema::ENCRYPTION.name, encryption.to_owned()));
    }
    Ok(())
}

fn decoded(part: &str) -> Result<String, String> {
    let text =
        percent_decode_str(part).decode_utf8().map_err(|_| "must be UTF-8 in percent-encoding".to_owned())?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mysql, postgres, sqlite};

    fn apart(store: &DataStore, given: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        match with_url_taken_apart(store, given) {
            Ok(options) => Ok(options.into_iter().map(|(key, value)| format!("{key}={value}")).collect()),
            Err(faults) => {
                Err(faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect())
            }
        }
    }

    #[test]
    fn a_url_is_several_options() {
        for (store, url, expected) in [
            (
                &postgres::STORE,
                "postgresql://ada:p%40ss%3A@db.example.com:5433/sales%20data?sslmode=verify-full",
                vec![
                    "Database=sales data",
                    "EncryptionMethod=SSL",
                    "Password=p@ss:",
                    "PortNumber=5433",
                    "ServerName=db.example.com",
                    "User=ada",
                ],
            ),
            (
                &postgres::STORE,
                "postgres://[::1]:5432/a",
                vec!["Database=a", "PortNumber=5432", "ServerName=::1"],
            ),
            (&postgres::STORE, "postgres://[::1]/a", vec!["Database=a", "ServerName=::1"]),
            (
                &mysql::STORE,
                "mysql://ada@db/shop?ssl-mode=DISABLED",
                vec!["Database=shop", "EncryptionMethod=noEncryption", "ServerName=db", "User=ada"],
            ),
            (&mysql::STORE, "mariadb://db", vec!["ServerName=db"]),
        ] {
            assert_eq!(apart(store, &[("url", url)]).unwrap(), expected, "{url}");
        }
        let same = apart(&mysql::STORE, &[("url", "mysql://db/shop"), ("ServerName", "db"), ("User", "ada")]);
        assert_eq!(same.unwrap(), ["Database=shop", "ServerName=db", "User=ada"]);
        assert_eq!(apart(&sqlite::STORE, &[("url", "mysql://db")]).unwrap(), ["url=mysql://db"]);
    }

    #[test]
    fn a_faulty_url_is_refused_without_its_text() {
        for (url, message) in [
            ("", "url must start with postgresql:// or postgres://"),
            ("mysql://db/a", "url must start with postgresql:// or postgres://"),
            ("postgres://ada:hunter2@/a", "url must name a host"),
            (
                "postgres://db/a?hunter2=1",
                "url has another parameter than sslmode; give what it means as an option",
            ),
            ("postgres://db/a?sslmode=prefer", "url has an sslmode that is neither disable nor verify-full"),
            ("postgres://db/a?sslmode=disable&sslmode=require", "url gives sslmode twice"),
            ("postgres://ada:%ff@db/a", "url must be UTF-8 in percent-encoding"),
            ("postgres://[::1]x/a", "url must have a port after the brackets, or nothing"),
            ("postgres://ada:hunter#2@db/a", "url must not have a fragment; write # as %23"),
        ] {
            assert_eq!(apart(&postgres::STORE, &[("url", url)]).unwrap_err(), [message], "{url}");
        }
        let given =
            [("url", "postgres://ada:a@db/x"), ("Password", "b"), ("ServerName", "other"), ("User", "ada")];
        let contradicted = apart(&postgres::STORE, &given).unwrap_err();
        assert_eq!(
            contradicted,
            [
                "Password contradicts the url; give it in one of the two only",
                "ServerName contradicts the url; give it in one of the two only",
            ]
        );
    }
}

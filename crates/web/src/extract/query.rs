//! Parameters of the query.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::Gate;
use crate::respond::management::{Detail, Problem};

/// The most parameters in one query; no operation knows nearly as many.
const MOST_PAIRS: usize = 64;

/// The parameters of the query, decoded. A name that stands twice is refused, since it is anybody's guess which of them
/// holds. [`Query::only`] refuses names that nobody asks for.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The parameter of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Refuses every parameter that is none of `known`, so that nobody takes for done what was passed over.
    ///
    /// # Errors
    /// Every other parameter, by name.
    pub fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let unknown = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let message = match known {
            [] => "is unknown; there are no parameters here".to_owned(),
            known => format!("is unknown; known are {}", known.join(", ")),
        };
        let faults: Vec<Detail> = unknown.map(|(name, _)| detail(name, message.clone())).collect();
        if faults.is_empty() { Ok(()) } else { Err(Problem::parameters(faults)) }
    }

    /// The parameter of that name as something that is written as text. `expected` completes "must be …".
    ///
    /// # Errors
    /// When it is there and is nothing such.
    pub fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let wrong = || Problem::parameters(vec![detail(name, format!("must be {expected}"))]);
        self.get(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
    }
}

impl FromRequestParts<Gate> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Gate) -> Result<Self, Problem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut faults = Vec::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if value.contains(char::REPLACEMENT_CHARACTER) {
                faults.push(detail(&name, "must be UTF-8"));
            }
            if parameters.iter().any(|(given, _)| *given == name) {
                faults.push(detail(&name, "is given twice"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
            if parameters.len() > MOST_PAIRS {
                faults.push(detail("query", format!("has more than {MOST_PAIRS} parameters")));
                break;
            }
        }
        if faults.is_empty() { Ok(Self(parameters)) } else { Err(Problem::parameters(faults)) }
    }
}

fn detail(name: &str, message: impl Into<String>) -> Detail {
    Detail { field: name.to_owned(), message: message.into() }
}

//! Parameters of the query.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::WebState;
use crate::respond::management::{Detail, ManagementProblem};

/// The maximum number of parameters in a query; no operation knows nearly as many.
const MOST_PAIRS: usize = 64;

/// The decoded parameters of the query. A repeated name is refused, because it is ambiguous. [`QueryParameters::only`]
/// refuses unknown names.
#[derive(Debug, Clone, Default)]
pub struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    /// Decodes the query of an address.
    ///
    /// # Errors
    /// If a parameter is repeated or not UTF-8, or if there are too many.
    pub fn decode(query: &str) -> Result<Self, ManagementProblem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut faults = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
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
        if faults.is_empty() { Ok(Self(parameters)) } else { Err(ManagementProblem::parameters(faults)) }
    }

    /// The parameter with that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Refuses every parameter that is not in `known`, so that no parameter is silently ignored.
    ///
    /// # Errors
    /// All unknown parameters, by name.
    pub fn only(&self, known: &[&str]) -> Result<(), ManagementProblem> {
        let unknown = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let message = match known {
            [] => "is unknown; there are no parameters here".to_owned(),
            known => format!("is unknown; known are {}", known.join(", ")),
        };
        let faults: Vec<Detail> = unknown.map(|(name, _)| detail(name, message.clone())).collect();
        if faults.is_empty() { Ok(()) } else { Err(ManagementProblem::parameters(faults)) }
    }

    /// The parameter with that name, parsed from text. `expected` completes "must be …".
    ///
    /// # Errors
    /// If it is present and cannot be parsed.
    pub fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, ManagementProblem> {
        let wrong = || ManagementProblem::parameters(vec![detail(name, format!("must be {expected}"))]);
        self.get(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
    }
}

impl FromRequestParts<WebState> for QueryParameters {
    type Rejection = ManagementProblem;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, ManagementProblem> {
        Self::decode(parts.uri.query().unwrap_or_default())
    }
}

fn detail(name: &str, message: impl Into<String>) -> Detail {
    Detail { field: name.to_owned(), message: message.into() }
}

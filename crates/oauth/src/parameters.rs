//! The parameters of a request: decoded pairs, each known one at most once, in either spelling.

use crate::refusal::{ParameterFault, Refusal};

mod decode;

pub(crate) use decode::form_decoded;

/// A parameter that some endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// As the specification spells it.
    pub spelling: &'static str,
    /// As Hybrid Data Pipeline spells it, where that differs.
    pub alias: Option<&'static str>,
    /// The most bytes that its value may have.
    pub longest: usize,
}

impl Name {
    /// A parameter with one spelling.
    pub const fn new(spelling: &'static str, longest: usize) -> Self {
        Self { spelling, alias: None, longest }
    }

    const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    fn is_spelled(&self, name: &str) -> bool {
        name == self.spelling || Some(name) == self.alias
    }

    /// The refusal of a request that leaves it out.
    pub(crate) const fn missing(self) -> Refusal {
        self.refuse(ParameterFault::Missing)
    }

    const fn refuse(self, fault: ParameterFault) -> Refusal {
        Refusal::Parameter { name: self.spelling, fault }
    }
}

/// The client's id.
pub const CLIENT_ID: Name = Name::new("client_id", 128).or("clientId");
/// The client's secret.
pub const CLIENT_SECRET: Name = Name::new("client_secret", 512).or("clientSecret");
/// Where the browser goes next.
pub const REDIRECT_URI: Name = Name::new("redirect_uri", 2048);
/// What is asked for.
pub const SCOPE: Name = Name::new("scope", 1024);

/// The most pairs in one request; no endpoint knows nearly as many.
const MOST_PAIRS: usize = 64;

/// The decoded pairs of a request, in order.
#[derive(Clone, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Takes decoded pairs.
    ///
    /// # Errors
    /// [`Refusal::TooManyParameters`].
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let pairs: Vec<_> = pairs.into_iter().take(MOST_PAIRS + 1).collect();
        if pairs.len() > MOST_PAIRS { Err(Refusal::TooManyParameters) } else { Ok(Self { pairs }) }
    }

    /// The value of a parameter; an empty one counts as left out
    /// ([RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    ///
    /// # Errors
    /// [`Refusal::Parameter`] when it is repeated, too long or has a control character.
    pub fn one(&self, name: Name) -> Result<Option<&str>, Refusal> {
        let mut found: Option<&(String, String)> = None;
        for pair in self.pairs.iter().filter(|(spelling, _)| name.is_spelled(spelling)) {
            match found {
                Some(first) if first.0 == pair.0 => return Err(name.refuse(ParameterFault::Repeated)),
                Some(first) if first.1 != pair.1 => return Err(name.refuse(ParameterFault::SpellingsDiffer)),
                Some(_) => {}
                None => found = Some(pair),
            }
        }
        let Some((_, value)) = found else { return Ok(None) };
        if value.len() > name.longest {
            return Err(name.refuse(ParameterFault::TooLong));
        }
        // [RFC 6749 appendix A](https://www.rfc-editor.org/rfc/rfc6749#appendix-A): no value has control characters,
        // except that a user name or password may have a tabulator.
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(name.refuse(ParameterFault::ControlCharacter));
        }
        Ok(Some(value.as_str()).filter(|value| !value.is_empty()))
    }

    /// The value of a parameter that must be there.
    ///
    /// # Errors
    /// As [`Parameters::one`], and when it is missing.
    pub fn required(&self, name: Name) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(name.missing())
    }
}

/// The names only: values may be secrets.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests;

//! The parameters of a request: decoded pairs. Each known one appears at most once, in either spelling.

use zeroize::Zeroize;

use crate::refusal::{ParameterFault, Refusal};

mod decode;

pub(crate) use decode::form_decoded;

/// A parameter of some endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The spelling in the specification.
    pub spelling: &'static str,
    /// The spelling of Hybrid Data Pipeline, if it differs.
    pub alias: Option<&'static str>,
    /// The shape of its value.
    shape: Shape,
}

/// The shape of a parameter's value. A value with a different shape makes the request malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Text of bounded length in bytes, without control characters.
    Text {
        /// The maximum length in bytes.
        longest: usize,
    },
    /// Anything: the value is only compared with what this server has issued or stored, and any other value
    /// is unknown or wrong.
    Opaque,
}

impl Name {
    /// A parameter with one spelling.
    pub const fn new(spelling: &'static str, longest: usize) -> Self {
        Self { spelling, alias: None, shape: Shape::Text { longest } }
    }

    /// A parameter with one spelling whose value is a token, a code, an id or a secret. A value that this
    /// server did not issue is never malformed, whatever its length and characters; it is unknown. Its length
    /// is limited by that of the body.
    pub const fn opaque(spelling: &'static str) -> Self {
        Self { spelling, alias: None, shape: Shape::Opaque }
    }

    const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    fn is_spelled(&self, name: &str) -> bool {
        name == self.spelling || Some(name) == self.alias
    }

    /// The refusal of a request without it.
    pub(crate) const fn missing(self) -> Refusal {
        self.refuse(ParameterFault::Missing)
    }

    const fn refuse(self, fault: ParameterFault) -> Refusal {
        Refusal::Parameter { name: self.spelling, fault }
    }
}

/// How tokens are requested.
pub(crate) const GRANT_TYPE: Name = Name::opaque("grant_type");
/// The assertion that is a grant ([RFC 7521 §4.1](https://www.rfc-editor.org/rfc/rfc7521#section-4.1)).
pub(crate) const ASSERTION: Name = Name::opaque("assertion");
/// The client's id.
pub const CLIENT_ID: Name = Name::opaque("client_id").or("clientId");
/// The client's secret.
pub const CLIENT_SECRET: Name = Name::opaque("client_secret").or("clientSecret");
/// The address to which the browser returns.
pub const REDIRECT_URI: Name = Name::new("redirect_uri", 2048);
/// The requested scopes.
pub const SCOPE: Name = Name::new("scope", 1024);
/// A resource for which access is requested ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)); may occur
/// several times.
pub const RESOURCE: Name = Name::new("resource", 2048);

/// The maximum number of pairs in a request; no endpoint knows nearly as many.
const MOST_PAIRS: usize = 128;
/// The maximum number of pairs in a form of one of our pages: enough for a box for each data source that may be chosen, and
/// for those that the consent page lists besides.
const MOST_PAIRS_OF_PAGE: usize = 2_048;

/// The decoded pairs of a request, in order.
#[derive(Clone, Default)]
pub struct Parameters {
    pairs: Vec<Pair>,
}

/// One decoded pair.
#[derive(Clone, PartialEq, Eq)]
struct Pair {
    name: String,
    /// Replacement characters stand for bytes that are not UTF-8.
    value: String,
    /// Whether the bytes of the value were UTF-8.
    is_utf8: bool,
}

impl Parameters {
    /// Creates the parameters from decoded pairs.
    ///
    /// # Errors
    /// [`Refusal::TooManyParameters`].
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let pair = |(name, value)| Pair { name, value, is_utf8: true };
        let pairs: Vec<_> = pairs.into_iter().take(MOST_PAIRS + 1).map(pair).collect();
        if pairs.len() > MOST_PAIRS { Err(Refusal::TooManyParameters) } else { Ok(Self { pairs }) }
    }

    /// The value of a parameter; an empty one counts as omitted ([RFC 6749
    /// §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    ///
    /// # Errors
    /// [`Refusal::Parameter`] if it is repeated; also if it is too long or contains a control character, and
    /// [`Refusal::NotUtf8`], unless it is [opaque](Name::opaque).
    pub fn one(&self, name: Name) -> Result<Option<&str>, Refusal> {
        let Some(pair) = self.find(name)? else { return Ok(None) };
        if let Shape::Text { longest } = name.shape {
            text_is_plain(pair, name, longest)?;
        }
        Ok(Some(pair.value.as_str()).filter(|value| !value.is_empty()))
    }

    /// Whether a parameter occurs, however often and with whatever value.
    pub fn has(&self, name: Name) -> bool {
        self.pairs.iter().any(|pair| name.is_spelled(&pair.name))
    }

    /// The values of a parameter that may occur several times, in order, without empty ones.
    ///
    /// # Errors
    /// As for [`Parameters::one`], except that it may be repeated.
    pub fn all(&self, name: Name) -> Result<impl Iterator<Item = &str>, Refusal> {
        let named = || self.pairs.iter().filter(move |pair| name.is_spelled(&pair.name));
        if let Shape::Text { longest } = name.shape {
            named().try_for_each(|pair| text_is_plain(pair, name, longest))?;
        }
        Ok(named().map(|pair| pair.value.as_str()).filter(|value| !value.is_empty()))
    }

    /// Whether every value is UTF-8, as in the forms of our own pages.
    pub fn are_utf8(&self) -> bool {
        self.pairs.iter().all(|pair| pair.is_utf8)
    }

    fn find(&self, name: Name) -> Result<Option<&Pair>, Refusal> {
        let mut found: Option<&Pair> = None;
        for pair in self.pairs.iter().filter(|pair| name.is_spelled(&pair.name)) {
            match found {
                Some(first) if first.name == pair.name => return Err(name.refuse(ParameterFault::Repeated)),
                Some(first) if first.value != pair.value => {
                    return Err(name.refuse(ParameterFault::SpellingsDiffer));
                }
                Some(_) => {}
                None => found = Some(pair),
            }
        }
        Ok(found)
    }

    /// The pairs with these names in form encoding, in order; `None` if one of them is not UTF-8.
    pub fn encoded(&self, names: &[Name]) -> Option<String> {
        let known = |pair: &&Pair| names.iter().any(|name| name.is_spelled(&pair.name));
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for pair in self.pairs.iter().filter(known) {
            text.append_pair(&pair.name, pair.is_utf8.then_some(pair.value.as_str())?);
        }
        Some(text.finish())
    }

    /// The value of a required parameter.
    ///
    /// # Errors
    /// As for [`Parameters::one`], and if it is missing.
    pub fn required(&self, name: Name) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(name.missing())
    }
}

/// [RFC 6749 appendix A](https://www.rfc-editor.org/rfc/rfc6749#appendix-A): no value contains control
/// characters, except that a user name or a password may contain a tab.
fn text_is_plain(pair: &Pair, name: Name, longest: usize) -> Result<(), Refusal> {
    if !pair.is_utf8 {
        return Err(Refusal::NotUtf8);
    }
    if pair.value.len() > longest {
        return Err(name.refuse(ParameterFault::TooLong));
    }
    // Printable ASCII, the usual case, is recognised many bytes at a time.
    let is_printable = pair.value.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if !is_printable && pair.value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(name.refuse(ParameterFault::ControlCharacter));
    }
    Ok(())
}

/// Values may be passwords, so they are wiped: as slices, because a string would be wiped byte by byte.
impl Drop for Pair {
    fn drop(&mut self) {
        let mut value = std::mem::take(&mut self.value).into_bytes();
        value.as_mut_slice().zeroize();
        value.spare_capacity_mut().zeroize();
    }
}

/// Prints only the names, because values may be secrets.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|pair| &pair.name)).finish()
    }
}

#[cfg(test)]
mod tests;

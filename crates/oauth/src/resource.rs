//! Resource indicators ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)): the resources to which a token is limited.
//!
//! Stored resources are in their canonical form: an address of this server without a trailing slash, or the identifier of a
//! resource server as it is registered. Without resources, a token is not limited.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::refusal::Refusal;
use crate::scope::{BUILT_IN_IDENTIFIER, BUILT_IN_SERVER, ScopeRegistry};

mod endpoint;

pub use endpoint::DataEndpoint;

/// The maximum number of resources in a request, because they become part of codes and tokens.
pub const MOST_RESOURCES: usize = 8;

/// The maximum length of a resource in bytes.
pub const LONGEST_RESOURCE: usize = 512;

/// All characters of a path segment except the unreserved ones of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URLs of this server, each without a trailing slash. They name the same resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerUrls<'a> {
    /// The public URL, with which resources begin in their canonical form.
    pub public: &'a str,
    /// The one for clients with certificates, if it is another one.
    pub for_certificates: Option<&'a str>,
}

impl ServerUrls<'_> {
    /// A resource in its normal form, with the public URL if it is an address of this server.
    pub fn at_public_url<'a>(&self, resource: &'a str) -> Cow<'a, str> {
        let below = |url| resource.strip_prefix(url).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match self.for_certificates.and_then(below) {
            Some(rest) => format!("{}{rest}", self.public).into(),
            None => resource.into(),
        }
    }
}

/// What a resource stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// This server, with its data and its management API.
    Server,
    /// All data sources at an endpoint.
    Data(DataEndpoint),
    /// The data source with this name at an endpoint; it may not exist.
    Source(DataEndpoint, String),
    /// A registered resource server, by its identifier.
    Other(String),
}

/// Reads the resources of a request in their normal form. "Its value MUST be an absolute URI" and "MUST NOT include a
/// fragment component" ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
///
/// # Errors
/// `invalid_target`.
pub fn normalised<'a>(requested: impl Iterator<Item = &'a str>) -> Result<Vec<String>, Refusal> {
    let mut all = Vec::new();
    for text in requested {
        let resource = normal_form(text).ok_or(Refusal::ResourceMalformed)?;
        if !all.contains(&resource) {
            all.push(resource);
        }
    }
    if all.len() > MOST_RESOURCES { Err(Refusal::TooManyResources) } else { Ok(all) }
}

/// The syntax-based normal form ([RFC 3986 §6.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2)), without a
/// trailing slash, because many clients add one. `None` if the text is not an absolute URI without a fragment.
pub(crate) fn normal_form(text: &str) -> Option<String> {
    let is_plain = text.len() <= LONGEST_RESOURCE && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || text.contains(['#', '\\']) {
        return None;
    }
    let url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
    let mut normal = with_normal_escapes(url.as_str());
    if url.query().is_none() && normal.ends_with('/') && !normal.ends_with("//") {
        normal.pop();
    }
    // Characters that it escapes have made it longer.
    (normal.len() <= LONGEST_RESOURCE).then_some(normal)
}

/// Decodes escaped unreserved characters, and writes the other escapes in capitals.
fn with_normal_escapes(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let escaped = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
                normal.push(char::from(byte));
                rest = &after[2..];
            }
            Some(_) => {
                normal.push('%');
                normal.push_str(&after[..2].to_ascii_uppercase());
                rest = &after[2..];
            }
            None => {
                normal.push('%');
                rest = after;
            }
        }
    }
    normal + rest
}

/// What a resource in its normal form stands for; `None` if it belongs to no resource server here.
pub fn find(resource: &str, registry: &ScopeRegistry, public_url: &str) -> Option<Resource> {
    let ours = resource.strip_prefix(public_url).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match ours {
        Some("") => return Some(Resource::Server),
        Some(path) => match DataEndpoint::split(path) {
            Some((endpoint, "")) => return Some(Resource::Data(endpoint)),
            Some((endpoint, rest)) if !rest[1..].contains(['/', '?']) => {
                let name = percent_decode_str(&rest[1..]).decode_utf8().ok();
                return name.map(|name| Resource::Source(endpoint, name.into()));
            }
            _ => {}
        },
        None => {}
    }
    let mut others = registry.servers().iter().filter(|server| server.id != BUILT_IN_SERVER);
    let found = others.find(|server| normal_form(&server.identifier).as_deref() == Some(resource))?;
    Some(Resource::Other(found.identifier.clone()))
}

impl Resource {
    /// The canonical form.
    pub fn canonical(&self, public_url: &str) -> String {
        match self {
            Self::Server => public_url.to_owned(),
            Self::Data(endpoint) => format!("{public_url}{}", endpoint.path()),
            Self::Source(endpoint, name) => source(*endpoint, name, public_url),
            Self::Other(identifier) => identifier.clone(),
        }
    }
}

/// The canonical form of a data source at an endpoint.
pub fn source(endpoint: DataEndpoint, name: &str, public_url: &str) -> String {
    format!("{public_url}{}/{}", endpoint.path(), utf8_percent_encode(name, SEGMENT))
}

/// A requested resource, and its canonical form if it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The normal form.
    pub resource: String,
    /// The canonical form of what exists.
    pub found: Option<String>,
}

/// The resources of an authorization request. "If the client requested a resource that the server does not know" the error
/// is `invalid_target` ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
///
/// # Errors
/// `invalid_target`.
pub fn all_exist(requested: Vec<Requested>) -> Result<Vec<String>, Refusal> {
    let mut all = Vec::with_capacity(requested.len());
    for one in requested {
        add(&mut all, one.found.ok_or(Refusal::ResourceUnknown)?);
    }
    Ok(all)
}

/// The resources of an access token: those that the request names, which must be among those of the grant, or else all of
/// the grant ([RFC 8707 §2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)). `asked` is the former if there are any,
/// otherwise the latter.
///
/// # Errors
/// `invalid_target`; `invalid_grant` for a resource that was granted and does not exist any more.
pub fn narrowed(
    granted: &[String],
    asked: Vec<Requested>,
    is_named: bool,
    public_url: &str,
) -> Result<Vec<String>, Refusal> {
    let was_granted = |resource: &str| {
        granted.iter().any(|one| one == resource || normal_form(one).as_deref() == Some(resource))
    };
    let mut narrowed = Vec::with_capacity(asked.len());
    for Requested { resource, found } in asked {
        match found {
            Some(found)
                if granted.is_empty() || granted.iter().any(|one| includes(one, &found, public_url)) =>
            {
                add(&mut narrowed, found);
            }
            Some(_) => return Err(Refusal::ResourceNotGranted),
            None if !is_named => {}
            None if was_granted(&resource) => return Err(Refusal::ResourceGone),
            None => return Err(Refusal::ResourceUnknown),
        }
    }
    if narrowed.is_empty() && !granted.is_empty() { Err(Refusal::ResourceGone) } else { Ok(narrowed) }
}

/// Two spellings may stand for the same resource.
fn add(all: &mut Vec<String>, resource: String) {
    if !all.contains(&resource) {
        all.push(resource);
    }
}

/// The resources of a token that is also limited to data ([RFC 9396
/// §3.2](https://www.rfc-editor.org/rfc/rfc9396#section-3.2)): those that the data include, in the order of `are_reached`. `None`
/// if that is none: the token could read nothing.
pub fn reached(resources: &[String], are_reached: &[bool]) -> Option<Vec<String>> {
    let kept = resources.iter().zip(are_reached).filter(|(_, is_reached)| **is_reached);
    Some(kept.map(|(resource, _)| resource.clone()).collect()).filter(|kept: &Vec<String>| !kept.is_empty())
}

/// What an application may name as the targets of a token exchange: what belongs to this server, and what its policy names.
pub fn allowed_by_policy(targets: &[Requested], policy: &[String], public_url: &str) -> Vec<Requested> {
    let allowed = |Requested { resource, found }: &Requested| {
        let is_ours = found.as_ref().is_some_and(|found| includes(public_url, found, public_url));
        let is_named = policy.iter().any(|one| normal_form(one).as_deref() == Some(resource));
        let known = found.clone().or_else(|| is_foreign(resource, public_url).then(|| resource.clone()));
        Requested { resource: resource.clone(), found: known.filter(|_| is_ours || is_named) }
    };
    targets.iter().map(allowed).collect()
}

/// Whether a resource in its normal form is not an address of this server.
fn is_foreign(resource: &str, public_url: &str) -> bool {
    !includes(public_url, resource, public_url)
}

/// Whether a resource is another one or contains it: this server contains its endpoints, and those contain each source.
fn includes(outer: &str, inner: &str, public_url: &str) -> bool {
    let below = |rest: &str| rest.starts_with('/');
    let is_endpoint = |path: &str| DataEndpoint::split(path).is_some_and(|(_, rest)| rest.is_empty());
    outer == inner
        || outer.strip_prefix(public_url).is_some_and(|path| path.is_empty() || is_endpoint(path))
            && inner.strip_prefix(outer).is_some_and(below)
}

/// Whether a resource in its canonical form belongs to the resource server with this identifier. The built-in one has this
/// server and everything below it.
pub fn belongs_to(resource: &str, identifier: &str, public_url: &str) -> bool {
    match identifier {
        BUILT_IN_IDENTIFIER => includes(public_url, resource, public_url),
        other => resource == other,
    }
}

/// Whether a token that is limited to these resources may be used at this server at all.
pub fn include_this_server(resources: &[String], public_url: &str) -> bool {
    let is_ours = |one: &String| includes(public_url, one, public_url);
    resources.is_empty() || resources.iter().any(is_ours)
}

/// Whether a token that is limited to these resources may be used for more than data.
pub fn include_more_than_data(resources: &[String], public_url: &str) -> bool {
    resources.is_empty() || resources.iter().any(|one| one == public_url)
}

/// Whether a token that is limited to these resources may be used for all data, at one of the endpoints.
pub fn include_all_data(resources: &[String], public_url: &str) -> bool {
    let include = |endpoint| {
        let data = Resource::Data(endpoint).canonical(public_url);
        resources.iter().any(|one| includes(one, &data, public_url))
    };
    resources.is_empty() || DataEndpoint::ALL.into_iter().any(include)
}

/// Whether a token that is limited to these resources reaches a data source at an endpoint.
pub fn include_source(resources: &[String], endpoint: DataEndpoint, name: &str, public_url: &str) -> bool {
    if resources.is_empty() {
        return true;
    }
    let wanted = source(endpoint, name, public_url);
    resources.iter().any(|one| includes(one, &wanted, public_url))
}

/// Whether a token that is limited to these resources reaches a data source at one of the endpoints.
pub fn include_source_somewhere(resources: &[String], name: &str, public_url: &str) -> bool {
    DataEndpoint::ALL.into_iter().any(|endpoint| include_source(resources, endpoint, name, public_url))
}

#[cfg(test)]
mod tests;

//! Resource servers and their scopes: the rows of the registry, and the rules that a new or changed row must
//! fulfil.

use url::Url;

use domain::account::Permission;
use domain::characters::{self, CharacterFault};
use domain::id::{ResourceServerId, ScopeId};
use domain::time::Timestamp;

use super::BuiltInScope;

/// The maximum number of resource servers, the built-in one included.
pub const MOST_RESOURCE_SERVERS: usize = 100;
/// The maximum number of scopes of one resource server.
pub const MOST_SCOPES_OF_SERVER: usize = 50;
/// The maximum number of characters in the name of a resource server.
pub const LONGEST_NAME: usize = 128;
/// The maximum length of the identifier of a resource server in bytes.
pub const LONGEST_IDENTIFIER: usize = 255;
/// The maximum length of the name of a scope in bytes.
pub const LONGEST_SCOPE_NAME: usize = 128;
/// The maximum number of characters in the description of a scope.
pub const LONGEST_DESCRIPTION: usize = 256;

/// The resource server that stands for this server itself, whatever its public URL is.
pub const BUILT_IN_SERVER: ResourceServerId = ResourceServerId::new(1);

/// Its identifier, which no other resource server can have, because it is not a URI.
pub const BUILT_IN_IDENTIFIER: &str = "sluicegate";

/// A name that a scope of an administrator cannot have: the alias of a built-in scope. The names of the built-in scopes
/// are taken by their rows.
const RESERVED_NAMES: [&str; 1] = ["odata"];

/// An API that is protected by access tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceServer {
    /// Assigned in order, never reused.
    pub id: ResourceServerId,
    /// An absolute URI without a fragment ([RFC 8707
    /// §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)); unique. That of the built-in resource server
    /// is `sluicegate`.
    pub identifier: String,
    /// The name for people: 1 to 128 characters.
    pub name: String,
    /// When it was created; the Unix epoch for the built-in one.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The desired content of a resource server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewResourceServer {
    /// The identifier.
    pub identifier: String,
    /// The name for people.
    pub name: String,
}

/// A scope of a resource server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Assigned in order, never reused.
    pub id: ScopeId,
    /// The resource server that enforces it.
    pub resource_server: ResourceServerId,
    /// A scope token ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)), at most 128
    /// bytes; unique over all resource servers.
    pub name: String,
    /// What it allows, in words for the consent page: 1 to 256 characters.
    pub description: String,
    /// How much harm its misuse may do.
    pub risk: Risk,
    /// Who may assign it to an application.
    pub assignment: Assignment,
    /// The scopes of the same resource server that it implies, in ascending order; none for a built-in scope.
    pub implies: Vec<ScopeId>,
    /// When it was created; the Unix epoch for the built-in ones.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Scope {
    /// Whether this server enforces the scope itself.
    pub fn is_built_in(&self) -> bool {
        BuiltInScope::of_id(self.id).is_some()
    }

    /// Whether the content may replace that of this scope: only the description of a built-in scope may
    /// change.
    pub fn may_become(&self, new: &NewScope) -> bool {
        let same = (&self.name, self.risk, self.assignment, &self.implies)
            == (&new.name, new.risk, new.assignment, &new.implies);
        same || !self.is_built_in()
    }
}

/// The desired content of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScope {
    /// The name on the wire.
    pub name: String,
    /// What it allows, in words.
    pub description: String,
    /// How much harm its misuse may do.
    pub risk: Risk,
    /// Who may assign it to an application.
    pub assignment: Assignment,
    /// The scopes of the same resource server that it implies, in ascending order.
    pub implies: Vec<ScopeId>,
}

/// How much harm the misuse of a scope may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Risk {
    /// Reads data that its user could show to others anyway.
    #[default]
    Low,
    /// Reads confidential data or changes data.
    Elevated,
    /// Changes settings or rights, or reaches the data of others.
    High,
}

/// The text names no risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be low, elevated or high")]
pub struct UnknownRisk;

impl Risk {
    /// Every risk, from the lowest.
    pub const ALL: [Self; 3] = [Self::Low, Self::Elevated, Self::High];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Elevated => "elevated",
            Self::High => "high",
        }
    }
}

impl std::str::FromStr for Risk {
    type Err = UnknownRisk;

    fn from_str(name: &str) -> Result<Self, UnknownRisk> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == name).ok_or(UnknownRisk)
    }
}

/// Who may assign a scope to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assignment {
    /// Every user who may register applications.
    Anyone,
    /// Users with this permission, and administrators.
    Permission(Permission),
}

/// The text names neither `anyone` nor a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be anyone or the name of a permission, such as Administrator")]
pub struct UnknownAssignment;

impl Assignment {
    /// Only administrators.
    pub const ADMINISTRATORS: Self = Self::Permission(Permission::Administrator);

    /// The name on the wire: `anyone`, or that of the permission.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Permission(permission) => permission.as_str(),
        }
    }

    /// Whether a user with these permissions may assign the scope.
    pub fn is_open_to(self, permissions: &[Permission]) -> bool {
        match self {
            Self::Anyone => true,
            Self::Permission(needed) => {
                permissions.contains(&needed) || permissions.contains(&Permission::Administrator)
            }
        }
    }
}

/// Anyone must ask an administrator, unless the administrator decides otherwise.
impl Default for Assignment {
    fn default() -> Self {
        Self::ADMINISTRATORS
    }
}

impl std::str::FromStr for Assignment {
    type Err = UnknownAssignment;

    fn from_str(name: &str) -> Result<Self, UnknownAssignment> {
        if name == Self::Anyone.as_str() {
            return Ok(Self::Anyone);
        }
        let named = Permission::ALL.iter().copied().find(|permission| permission.as_str() == name);
        named.map(Self::Permission).ok_or(UnknownAssignment)
    }
}

/// Why the content of a resource server is refused; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ResourceServerFault {
    #[error("must be an absolute URI without a fragment, such as https://orders.example.com")]
    Identifier,
    #[error("is {0} bytes long; at most 255 are allowed")]
    IdentifierTooLong(usize),
    #[error("must not contain a user name or a password")]
    IdentifierWithCredentials,
    #[error("must not be empty")]
    NameEmpty,
    #[error("is {0} characters long; at most 128 are allowed")]
    NameTooLong(usize),
    #[error(transparent)]
    NameCharacter(#[from] CharacterFault),
}

impl NewResourceServer {
    /// All faults, each with the name of its member.
    pub fn faults(&self) -> Vec<(&'static str, ResourceServerFault)> {
        let identifier = check_identifier(&self.identifier).err().map(|fault| ("identifier", fault));
        let name = check_name(&self.name).err().map(|fault| ("name", fault));
        identifier.into_iter().chain(name).collect()
    }
}

/// "Its value MUST be an absolute URI […] The URI MUST NOT include a fragment component" ([RFC 8707
/// §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
fn check_identifier(text: &str) -> Result<(), ResourceServerFault> {
    if text.len() > LONGEST_IDENTIFIER {
        return Err(ResourceServerFault::IdentifierTooLong(text.len()));
    }
    if !text.bytes().all(is_uri_byte) || text.contains('#') {
        return Err(ResourceServerFault::Identifier);
    }
    let url = Url::parse(text).map_err(|_| ResourceServerFault::Identifier)?;
    let is_credential = !url.username().is_empty() || url.password().is_some();
    if is_credential { Err(ResourceServerFault::IdentifierWithCredentials) } else { Ok(()) }
}

/// The characters of [RFC 3986 §2](https://www.rfc-editor.org/rfc/rfc3986#section-2).
const fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!'..=b'/' | b':'..=b'@' | b'[' | b']' | b'_' | b'~')
            && !matches!(byte, b'"' | b'<' | b'>')
}

fn check_name(name: &str) -> Result<(), ResourceServerFault> {
    let length = name.chars().count();
    match () {
        () if name.trim().is_empty() => Err(ResourceServerFault::NameEmpty),
        () if length > LONGEST_NAME => Err(ResourceServerFault::NameTooLong(length)),
        () => Ok(characters::check_name(name)?),
    }
}

/// Why the content of a scope is refused; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ScopeFault {
    #[error(
        "must have 1 to 128 characters: letters, digits and ASCII signs except space, quotation mark and backslash"
    )]
    Name,
    #[error("is {0}, which is reserved")]
    NameReserved(&'static str),
    #[error("must not be empty")]
    DescriptionEmpty,
    #[error("is {0} characters long; at most 256 are allowed")]
    DescriptionTooLong(usize),
    #[error(transparent)]
    DescriptionCharacter(#[from] CharacterFault),
}

impl NewScope {
    /// All faults, each with the name of its member.
    pub fn faults(&self) -> Vec<(&'static str, ScopeFault)> {
        let name = check_scope_name(&self.name).err().map(|fault| ("name", fault));
        let description = check_description(&self.description).err().map(|fault| ("description", fault));
        name.into_iter().chain(description).collect()
    }
}

/// "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )" ([RFC 6749
/// §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
fn check_scope_name(name: &str) -> Result<(), ScopeFault> {
    let is_token = name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
    if name.is_empty() || name.len() > LONGEST_SCOPE_NAME || !is_token {
        return Err(ScopeFault::Name);
    }
    let reserved = RESERVED_NAMES.into_iter().find(|reserved| *reserved == name);
    reserved.map_or(Ok(()), |name| Err(ScopeFault::NameReserved(name)))
}

fn check_description(text: &str) -> Result<(), ScopeFault> {
    let length = text.chars().count();
    match () {
        () if text.trim().is_empty() => Err(ScopeFault::DescriptionEmpty),
        () if length > LONGEST_DESCRIPTION => Err(ScopeFault::DescriptionTooLong(length)),
        () => Ok(characters::check(text)?),
    }
}

#[cfg(test)]
mod tests;

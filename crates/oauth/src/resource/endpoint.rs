//! The endpoints at which data is read.

use crate::scope::BuiltInScope;

/// An endpoint at which clients read data sources. A token that is limited to one of them is of no use at another, because it
/// was issued for another audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataEndpoint {
    /// `/api/odata4`: OData.
    OData,
    /// `/mcp`: tools of the [Model Context Protocol](https://modelcontextprotocol.io/specification/2026-07-28).
    Mcp,
}

impl DataEndpoint {
    /// Every endpoint.
    pub const ALL: [Self; 2] = [Self::OData, Self::Mcp];

    /// The path of all data sources, below the public URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::OData => "/api/odata4",
            Self::Mcp => "/mcp",
        }
    }

    /// The scope that a token needs. It is the only one that a challenge or the metadata of the endpoint names: a client that
    /// takes all of them asks for no more than it needs, and never for `offline_access`.
    pub const fn scope(self) -> BuiltInScope {
        match self {
            Self::OData => BuiltInScope::OData,
            Self::Mcp => BuiltInScope::Mcp,
        }
    }

    /// The scopes of which a token needs one.
    pub const fn scopes(self) -> &'static [BuiltInScope] {
        match self {
            Self::OData => &BuiltInScope::OF_ODATA,
            Self::Mcp => &[BuiltInScope::Mcp],
        }
    }

    /// Splits a path into its endpoint and what follows the path of all data sources: nothing, or a slash and more.
    pub fn split(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|endpoint| {
            let rest = path.strip_prefix(endpoint.path())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((endpoint, rest))
        })
    }
}

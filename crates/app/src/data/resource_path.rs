//! Which paths identify a protected resource ([RFC 9728 §1.2](https://www.rfc-editor.org/rfc/rfc9728#section-1.2)): the server,
//! and at each endpoint of data all data sources or one of them, each with and without a trailing slash.

use domain::account::data_source;
use oauth::resource::DataEndpoint;

use super::DataService;
use crate::Fault;
use crate::node::entity_cache::Entities;

/// The path of a protected resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourcePath<'a> {
    path: &'a str,
    endpoint: DataEndpoint,
    source: Option<&'a str>,
}

impl<'a> ResourcePath<'a> {
    /// The resource with exactly this path, as it is written in the URL; `None` if there can be none.
    fn find(path: &'a str) -> Option<Self> {
        let server = Self { path, endpoint: DataEndpoint::OData, source: None };
        let (endpoint, below) = match DataEndpoint::split(path) {
            None => return matches!(path, "" | "/").then_some(server),
            Some((endpoint, "" | "/")) => return Some(Self { endpoint, ..server }),
            Some((endpoint, below)) => (endpoint, below.strip_prefix('/')?),
        };
        let source = below.strip_suffix('/').unwrap_or(below);
        data_source::check_name(source).ok()?;
        Some(Self { path, endpoint, source: Some(source) })
    }

    /// The resource to which a request for this path needs access: the data source if the path names one, otherwise all.
    pub fn of_request(path: &'a str) -> Self {
        let (endpoint, below) = DataEndpoint::split(path).unwrap_or((DataEndpoint::OData, ""));
        let source = below.strip_prefix('/').unwrap_or_default();
        let end = source.find('/').unwrap_or(source.len());
        let root = path.len() - source.len() + end;
        let of_source = Self::find(path).or_else(|| Self::find(&path[..root]));
        of_source.unwrap_or(Self { path: endpoint.path(), endpoint, source: None })
    }

    /// The path, as it was given.
    pub const fn as_str(self) -> &'a str {
        self.path
    }

    /// The endpoint at which data is read there; for the server itself, OData.
    pub const fn endpoint(self) -> DataEndpoint {
        self.endpoint
    }

    /// The name for people.
    pub fn name(self) -> String {
        self.source.map_or_else(|| "Sluicegate".to_owned(), |source| format!("Sluicegate: {source}"))
    }
}

impl DataService {
    /// The protected resource with exactly this path, as it is written in the URL; `None` if there is none. The answer is the
    /// same for everybody, because clients ask before they have a token.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn resource_at<'a>(&self, path: &'a str) -> Result<Option<ResourcePath<'a>>, Fault> {
        let Some(resource) = ResourcePath::find(path) else { return Ok(None) };
        let exists = match resource.source {
            Some(source) => Entities::of(&self.context).data_source_by_name(source).await?.is_some(),
            None => true,
        };
        Ok(exists.then_some(resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_and_data_sources_are_resources() {
        for path in [
            "",
            "/",
            "/api/odata4",
            "/api/odata4/",
            "/api/odata4/Ships",
            "/api/odata4/Ships/",
            "/mcp",
            "/mcp/Ships",
        ] {
            assert_eq!(ResourcePath::find(path).map(ResourcePath::as_str), Some(path));
        }
        for path in [
            "/api",
            "/api/odata45",
            "/api/odata4//",
            "/api/odata4/Ships//",
            "/api/odata4/Ships/Crew",
            "/api/odata4/a%2Fb",
            "/api/odata4/%53hips",
            "/api/odata4/a\"b",
            "api/odata4",
            "/mcps",
            "/mcp/Ships/Crew",
        ] {
            assert_eq!(ResourcePath::find(path), None, "{path}");
        }
    }

    #[test]
    fn a_request_belongs_to_its_data_source() {
        for (path, resource) in [
            ("/api/odata4", "/api/odata4"),
            ("/api/odata4/", "/api/odata4/"),
            ("/api/odata4/Ships", "/api/odata4/Ships"),
            ("/api/odata4/Ships/", "/api/odata4/Ships/"),
            ("/api/odata4/Ships/Crew(1)/Name", "/api/odata4/Ships"),
            ("/api/odata4/Ships//", "/api/odata4/Ships"),
            ("/api/odata4/a\"b/Crew", "/api/odata4"),
            ("/api/odata4//x", "/api/odata4/"),
            ("/mcp", "/mcp"),
            ("/mcp/Ships", "/mcp/Ships"),
            ("/mcp/a\"b", "/mcp"),
        ] {
            assert_eq!(ResourcePath::of_request(path).as_str(), resource, "{path}");
        }
        assert_eq!(ResourcePath::of_request("/mcp/Ships").endpoint(), DataEndpoint::Mcp);
        assert_eq!(ResourcePath::of_request("/api/odata4/Ships").endpoint(), DataEndpoint::OData);
    }

    #[test]
    fn the_name_of_a_resource_says_which_source_it_is() {
        let name = |path| ResourcePath::find(path).unwrap().name();
        assert_eq!(
            (name("/api/odata4"), name("/api/odata4/Ships/")),
            ("Sluicegate".into(), "Sluicegate: Ships".into())
        );
    }
}

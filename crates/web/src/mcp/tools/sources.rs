//! `list_sources`.

use oauth::resource::DataEndpoint;
use serde_json::json;

use super::arguments::ToolArguments;
use super::{Answer, Service, ToolRefusal, answers};

/// Lists the data sources that the caller may read.
pub(super) async fn list(service: &Service<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let agent = service.agent;
    let sources = service.data.readable_sources(&agent.caller, DataEndpoint::Mcp, &agent.origin).await?;
    Ok(answers::names(
        "sources",
        arguments,
        sources.iter(),
        |source| &source.name,
        |source| json!({"name": source.name, "description": source.description}),
    ))
}

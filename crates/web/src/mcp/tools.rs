//! The tools: their descriptions, and what a call of each does.

mod answers;
pub(crate) mod arguments;
mod entities;
mod read;
mod schema;
mod sources;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use app::Fault;
use app::data::{AdmittedSource, DataRefusal, DataRequest, ToolCall};
use oauth::resource::DataEndpoint;
use odata::model::Model;

use super::service::Service;
use crate::json::Json;
use crate::respond::mcp::McpProblem;
use crate::respond::odata::ODataProblem;
use arguments::ToolArguments;

pub(super) use schema::described;

/// The maximum length of the rows or names of an answer in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// A tool. None of them changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `list_sources`: the data sources, where a call must name one.
    ListSources,
    /// `list_entities`: the entity sets of a data source.
    ListEntities,
    /// `describe_entity`: the properties of an entity set.
    DescribeEntity,
    /// `query`: rows.
    Query,
    /// `get`: one row by its key.
    Get,
    /// `aggregate`: groups of rows with sums and other values.
    Aggregate,
}

impl Tool {
    /// Every tool, in the order of the list.
    pub(crate) const ALL: [Self; 6] = [
        Self::ListSources,
        Self::ListEntities,
        Self::DescribeEntity,
        Self::Query,
        Self::Get,
        Self::Aggregate,
    ];

    /// The name in the protocol.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ListSources => "list_sources",
            Self::ListEntities => "list_entities",
            Self::DescribeEntity => "describe_entity",
            Self::Query => "query",
            Self::Get => "get",
            Self::Aggregate => "aggregate",
        }
    }

    /// The tool of this name; `for_all` at the address of all data sources.
    pub(crate) fn named(name: &str, for_all: bool) -> Option<Self> {
        Self::offered(for_all).find(|tool| tool.name() == name)
    }

    /// The tools at an address.
    fn offered(for_all: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |tool| for_all || *tool != Self::ListSources)
    }
}

/// The result of a call.
pub(super) enum Answered {
    /// Structured content in JSON.
    With(String),
    /// An error that the model can correct.
    Refused(String),
}

/// What a tool returns.
struct Answer {
    /// Structured content in JSON.
    structured: String,
    /// The number of rows or names in it.
    rows: usize,
}

/// Why a tool returns nothing.
enum ToolRefusal {
    /// The model can correct it: a stable code, and a message.
    Tool(Cow<'static, str>, String),
    /// The whole request is refused.
    Request(McpProblem),
}

impl ToolRefusal {
    fn arguments(message: impl Into<String>) -> Self {
        Self::Tool("InvalidArguments".into(), message.into())
    }
}

impl From<Fault> for ToolRefusal {
    fn from(fault: Fault) -> Self {
        Self::Request(fault.into())
    }
}

impl From<odata::error::Error> for ToolRefusal {
    fn from(error: odata::error::Error) -> Self {
        DataRefusal::from(error).into()
    }
}

impl From<DataRefusal> for ToolRefusal {
    fn from(refusal: DataRefusal) -> Self {
        // What the access does not reach is as unknown as what does not exist.
        let refusal = match refusal {
            DataRefusal::NotGranted | DataRefusal::OtherResources => DataRefusal::UnknownSource,
            DataRefusal::Fault(_)
            | DataRefusal::AccessEnded
            | DataRefusal::MissingPermission
            | DataRefusal::MissingScope(_)
            | DataRefusal::SignInTooOld { .. }
            | DataRefusal::SecondFactorMissing { .. } => return Self::Request(refusal.into()),
            refusal => refusal,
        };
        let problem = ODataProblem::from(refusal);
        let (_, code, message) = problem.parts();
        Self::Tool(code.into(), message.to_owned())
    }
}

/// Calls a tool, and records the call before anything is returned.
pub(super) async fn call(
    service: &Service<'_>,
    tool: Tool,
    arguments: &Json,
) -> Result<Answered, McpProblem> {
    let mut record = ToolCall {
        tool: tool.name(),
        source: service.source_name().map(str::to_owned),
        ..ToolCall::default()
    };
    let answer = match ToolArguments::read(schema::parameters(tool, service.source.is_none()), arguments) {
        Ok(arguments) => {
            record.entity = arguments.text("entity").map(str::to_owned);
            record.source = record.source.or_else(|| arguments.text("source").map(str::to_owned));
            run(service, tool, &arguments).await
        }
        Err(faults) => Err(ToolRefusal::arguments(faults)),
    };
    let answered = match answer {
        Ok(Answer { structured, rows }) => {
            (record.rows, record.bytes) = (rows, structured.len());
            Answered::With(structured)
        }
        Err(ToolRefusal::Tool(code, message)) => {
            record.refused = Some(code.to_string());
            Answered::Refused(format!("{code}: {message}"))
        }
        Err(ToolRefusal::Request(problem)) => return Err(problem),
    };
    service.data.note_tool_call(&service.agent.caller, &record, &service.agent.origin).await?;
    Ok(answered)
}

/// Whether a tool takes these arguments at the address of all data sources.
#[cfg(any(test, fuzzing))]
pub(crate) fn accepts(tool: Tool, arguments: &Json) -> bool {
    ToolArguments::read(schema::parameters(tool, true), arguments).is_ok()
}

async fn run(service: &Service<'_>, tool: Tool, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let target = async || Target::of(service, arguments).await;
    match tool {
        Tool::ListSources => sources::list(service, arguments).await,
        Tool::ListEntities => entities::list(&target().await?, arguments).await,
        Tool::DescribeEntity => entities::describe(&target().await?, arguments).await,
        Tool::Query => read::query(&target().await?, arguments).await,
        Tool::Get => read::get(&target().await?, arguments).await,
        Tool::Aggregate => read::aggregate(&target().await?, arguments).await,
    }
}

/// The data source of a call, to which its caller was admitted once for all that the call reads.
struct Target<'a> {
    service: &'a Service<'a>,
    source: AdmittedSource,
}

impl<'a> Target<'a> {
    /// The data source that the address names, or else the arguments.
    async fn of(service: &'a Service<'a>, arguments: &ToolArguments) -> Result<Self, DataRefusal> {
        if let Some(source) = service.source {
            return Ok(Self { service, source: source.clone() });
        }
        let (agent, name) = (service.agent, arguments.text("source").unwrap_or_default());
        let source = service.data.admit(&agent.caller, DataEndpoint::Mcp, name, &agent.origin).await?;
        Ok(Self { service, source })
    }

    /// A request for data of the source, at this path and query.
    fn request<'r>(&'r self, path_and_query: &'r str, page_size: Option<usize>) -> DataRequest<'r> {
        let agent = self.service.agent;
        DataRequest {
            endpoint: DataEndpoint::Mcp,
            source: self.source.name(),
            path_and_query,
            accept: "application/json;odata.metadata=none",
            page_size,
            omits_nulls: false,
            origin: &agent.origin,
            since: agent.since,
        }
    }

    /// What the caller reaches of the source.
    async fn model(&self) -> Result<Arc<Model>, DataRefusal> {
        let Self { service, source } = self;
        service.data.reached_model(&service.agent.caller, source, &self.request("", None)).await
    }
}

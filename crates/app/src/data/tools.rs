//! What the tools of the Model Context Protocol need beside rows: the model of a source, and a record of each call.

use std::fmt::Write as _;
use std::sync::Arc;

use domain::audit::{Action, Outcome};
use odata::model::Model;
use odata::model::document::RuleAction;
use sources::driver::Intent;

use super::authorization::DataGrant;
use super::{AdmittedSource, DataRefusal, DataRequest, DataService, reached_part};
use crate::Fault;
use crate::data::models::SourceOpener;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::node::access_note;
use crate::node::metrics::{ToolLabels, Word};

/// The maximum length of a name in the record of a call, in characters: one that does not exist may be any text.
const LONGEST_NAME: usize = 128;

/// A call of a tool, for the audit log. It never contains values of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The name of the tool.
    pub tool: &'static str,
    /// The data source, if the call names one.
    pub source: Option<String>,
    /// The entity set, if the call names one.
    pub entity: Option<String>,
    /// How many rows, names or groups were returned.
    pub rows: usize,
    /// The length of the answer in bytes.
    pub bytes: usize,
    /// The code of the error, if there was one.
    pub refused: Option<String>,
}

impl DataService {
    /// The part of a source's model that the caller reaches who was admitted to it; nothing else of the request matters.
    ///
    /// # Errors
    /// As for [`DataService::read`].
    pub async fn reached_model(
        &self,
        caller: &Caller,
        source: &AdmittedSource,
        request: &DataRequest<'_>,
    ) -> Result<Arc<Model>, DataRefusal> {
        let DataRequest { endpoint, origin, since, .. } = *request;
        let record = &source.0;
        if record.is_group() {
            return Box::pin(self.reached_model_of_group(caller, record, request)).await;
        }
        let (intent, through) = (Intent::Read, None);
        let read_grant = DataGrant { caller, intent, endpoint, record, through, origin, at: since };
        let _permit = self.acquire_permit(caller.account().user.id).await?;
        let opened = SourceOpener::of(&self.context).opened(record).await.map_err(DataRefusal::from);
        let opened = opened.inspect_err(|refusal| refusal.log(record, request))?;
        self.revalidate(read_grant).await?;
        Ok(Arc::clone(&reached_part(read_grant, &opened, RuleAction::Read).model))
    }

    /// Records a call of a tool: in the audit log, in the access log and in the metrics. The answer is sent after that.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub async fn note_tool_call(
        &self,
        caller: &Caller,
        call: &ToolCall,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        access_note::tool(call.tool);
        let outcome = Word(if call.refused.is_none() { "answered" } else { "refused" });
        self.context.metrics.mcp_tool_calls.inc(ToolLabels { tool: Word(call.tool), outcome });
        let mut event = caller.audit(Action::CallTool, self.context.now(), origin);
        event.outcome = if call.refused.is_none() { Outcome::Success } else { Outcome::Refused };
        event.subject = call.source.as_deref().map(short);
        event.describe(call.in_words());
        Ok(self.context.store.append_audit(vec![event]).await?)
    }
}

impl ToolCall {
    /// The tool, the entity set, and what came of it.
    fn in_words(&self) -> String {
        let mut words = self.tool.to_owned();
        if let Some(entity) = &self.entity {
            let _ = write!(words, " {}", short(entity));
        }
        let _ = match &self.refused {
            Some(code) => write!(words, ": {code}"),
            None => write!(words, ": {} rows, {} bytes", self.rows, self.bytes),
        };
        words
    }
}

fn short(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_call_says_what_came_of_it_and_is_short() {
        let call = ToolCall {
            tool: "query",
            entity: Some("Ships".to_owned()),
            rows: 20,
            bytes: 3_000,
            ..ToolCall::default()
        };
        assert_eq!(call.in_words(), "query Ships: 20 rows, 3000 bytes");
        let refused = ToolCall { refused: Some("UnknownProperty".to_owned()), ..call };
        assert_eq!(refused.in_words(), "query Ships: UnknownProperty");
        let long = ToolCall { entity: Some("x\n".repeat(500)), ..refused };
        assert_eq!(long.in_words().len(), "query : UnknownProperty".len() + LONGEST_NAME);
    }
}

//! A read among changes, in their transaction: it sees what those before it have done.

use odata::change::References;
use odata::error::Error;
use odata::format::AcceptedFormats;
use odata::plan::{self, Plan, PlanContext};
use odata::position::Position;
use odata::url::Url;

use super::{ChangeAnswer, ChangeJob, Done, Reads, StepResult};
use crate::data::models::OpenedSource;
use crate::data::plans::CachedPlan;
use crate::data::run::one::{Found, write_one};
use crate::data::run::rows::ShortPage;
use crate::data::run::{Pager, place_of_link};
use crate::data::{Content, DataRefusal, acceptable};

/// A read as it was asked for.
pub(in crate::data) struct WantedRead {
    pub(in crate::data) path_and_query: String,
    /// The `Accept` header.
    pub(in crate::data) accept: String,
    /// The maximum number of rows of a page.
    pub(in crate::data) page_size: usize,
    /// The opened position of a next link.
    pub(in crate::data) position: Option<Position>,
    pub(in crate::data) pager: Pager,
}

impl WantedRead {
    /// Binds and runs it. A page ends, with a next link, when it is longer than what is kept of one.
    pub(super) async fn answer(
        &self,
        job: &ChangeJob,
        shown: &OpenedSource,
        references: &References,
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        let address = references.resolved(&self.path_and_query);
        let planned = match self.plan(&address, job, shown) {
            Ok(planned) => planned,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let path = address.split('?').next().unwrap_or_default();
        let done = Done::Read(path.to_owned());
        let empty = ChangeAnswer::of(done);
        let content = match &planned.plan {
            Plan::Entities(query) => {
                let mut page = ShortPage { bytes: planned.buffer(), outgrown: false };
                let mut pager = self.pager.clone();
                pager.next_link = place_of_link(&planned);
                if pager.write(query, reads, &mut page).await? == Found::Nothing {
                    return Ok(Err(DataRefusal::NoSuchEntity));
                }
                let content = Content::Page(query.format, self.page_size.min(query.page_size));
                let (content, next_link) = (Some(content), pager.left_link());
                return Ok(Ok(ChangeAnswer { content, next_link, body: page.bytes.into(), ..empty }));
            }
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            Plan::Count { .. } => Content::Value("text/plain;charset=utf-8"),
            Plan::ServiceDocument(_) | Plan::Metadata(_) => {
                let what = "a description of a group of data sources among changes";
                return Ok(Err(Error::not_implemented(what).into()));
            }
        };
        let mut out = Vec::new();
        let found = write_one(&planned.plan, reads, &mut out, &job.one).await?;
        let is_identified =
            found.tag.is_some() && matches!(&planned.plan, Plan::Entity(single) if !single.shows_more);
        Ok(match found.found {
            Found::Written => {
                let content = Some(content);
                Ok(ChangeAnswer { content, tag: found.tag, is_identified, body: out.into(), ..empty })
            }
            Found::Null => Ok(ChangeAnswer { content: Some(Content::Null), ..empty }),
            Found::Nothing => Err(DataRefusal::NoSuchEntity),
        })
    }

    fn plan(&self, address: &str, job: &ChangeJob, shown: &OpenedSource) -> Result<CachedPlan, DataRefusal> {
        let url = Url::read(address)?;
        let accepted = AcceptedFormats::by(&self.accept);
        let context = PlanContext {
            now: job.now,
            page_size: self.page_size,
            format: accepted.json.unwrap_or_default(),
            rows: accepted.rows,
            service_root: &job.root,
            position: self.position.clone(),
        };
        let plan = plan::prepare(&url, &shown.model, &context, shown.source.dialect())?;
        let planned = CachedPlan::new(plan, &url, accepted.json.is_some(), &shown.model, &job.root, false);
        acceptable(&planned, &self.accept)?;
        Ok(planned)
    }
}

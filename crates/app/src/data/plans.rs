//! The cached plan of a request, by its text.

use super::DataService;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bytes::Bytes;
use domain::account::DataSource;
use domain::id::DataSourceId;
use odata::error::Error;
use odata::expansion::Expansion;
use odata::format::AcceptedFormats;
use odata::model::Model;
use odata::plan::{self, Plan, PlanContext};
use odata::position::Position;
use odata::statement::Statement;
use odata::url::Url;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::{DataGrant, DataRefusal, DataRequest, SERVICE_PATH};
use crate::Fault;
use crate::data::models::OpenedSource;
use crate::identity::caller::Caller;

/// The maximum total size of all cached plans, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The expected number of plans.
const EXPECTED_PLANS: usize = 2_000;

/// Requests with a longer text, in bytes, are planned and run off the request threads, because planning takes
/// a while, as does compiling in the database.
const HEAVY_TEXT: usize = 4 * 1024;

/// Pages with at most this many rows are tried on the caller's thread.
const SHORT_PAGE: usize = 200;

/// After one that took too long, this many requests are not tried there. The machine may have been busy, so
/// the plan is tried again later.
const INLINE_BACK_OFF: u32 = 100;

/// The buffer for a page of unknown length, and the maximum buffer for one that was longer before, in bytes.
const CAPACITY: std::ops::RangeInclusive<usize> = 4 * 1024..=256 * 1024;

/// Additional buffer beyond the previous length of the page, in bytes, because the next rows may be a little
/// longer.
const SLACK: usize = 1024;

/// What to do for a request.
#[derive(Debug)]
pub(super) struct CachedPlan {
    pub(super) plan: Plan,
    /// Whether the `Accept` header admits JSON.
    pub(super) json_accepted: bool,
    /// Whether `$format` takes precedence over that header.
    pub(super) format_named: bool,
    /// The service document, if that was requested.
    pub(super) service_document: Option<Bytes>,
    /// Whether its text is [long](HEAVY_TEXT).
    heavy: bool,
    /// The number of requests that still go to a worker at once, after one took too long on a caller's
    /// thread.
    slow: AtomicU32,
    /// The last length of the page, in bytes.
    length: AtomicUsize,
}

/// The cached plans.
pub(super) struct Plans(Cache<Key, Arc<CachedPlan>, Weight>);

impl Default for Plans {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED_PLANS, MOST_BYTES, Weight))
    }
}

/// The plan key: everything on which a plan depends besides its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PlanKey {
    source: DataSourceId,
    /// Changes with the name, which is part of the links.
    updated_at: i64,
    model_version: u64,
    page_size: usize,
    accepted: AcceptedFormats,
    /// The version of the rules that restrict which rows and columns the reader sees. A plan contains those
    /// rules, so readers under different rules must never share one.
    policy_version: u64,
    /// Whether the links lead to the address at which clients can present certificates.
    for_certificates: bool,
}

#[derive(Debug, Clone)]
struct Key {
    key: PlanKey,
    text: Box<str>,
}

/// A lookup key that borrows the text of the request, so that a look-up does not allocate.
struct LookupKey<'a> {
    key: PlanKey,
    text: &'a str,
}

impl DataService {
    /// The plan of a request, cached or new.
    pub(super) async fn prepare(
        &self,
        read_grant: DataGrant<'_>,
        opened: &Arc<OpenedSource>,
        request: &DataRequest<'_>,
        page_size: usize,
    ) -> Result<Arc<CachedPlan>, DataRefusal> {
        let record = read_grant.record;
        let key = PlanKey {
            source: record.id,
            updated_at: record.updated_at.as_micros(),
            model_version: opened.model.plan_version,
            page_size,
            accepted: AcceptedFormats::by(request.accept).omitting_nulls(request.omits_nulls),
            policy_version: opened.policy_version,
            for_certificates: read_grant.caller.must_present_a_certificate(),
        };
        let plans = &self.context.data.plans.0;
        if let Some(planned) = plans.get(&LookupKey { key, text: request.path_and_query }) {
            return Ok(planned);
        }
        let text = request.path_and_query;
        let root = self.root(read_grant.asked(), key.for_certificates);
        let planned = if text.len() > HEAVY_TEXT {
            let (app, opened, text) = (self.clone(), Arc::clone(opened), text.to_owned());
            let planned = tokio::task::spawn_blocking(move || app.plan(&root, &opened, &text, &key));
            planned.await.map_err(|panic| Fault::Broken(Box::new(panic)))??
        } else {
            self.plan(&root, opened, text, &key)?
        };
        let planned = Arc::new(planned);
        if planned.plan.is_cacheable() {
            plans.insert(Key { key, text: request.path_and_query.into() }, Arc::clone(&planned));
        }
        Ok(planned)
    }

    fn plan(
        &self,
        root: &str,
        opened: &OpenedSource,
        text: &str,
        key: &PlanKey,
    ) -> Result<CachedPlan, DataRefusal> {
        let url = Url::read(text)?;
        let context = PlanContext {
            now: self.instant()?,
            page_size: key.page_size,
            format: key.accepted.json.unwrap_or_default(),
            rows: key.accepted.rows,
            service_root: root,
            position: url.skip_token().map(|sealed| self.open_position(sealed, key.source)).transpose()?,
        };
        let plan = plan::prepare(&url, &opened.model, &context, opened.source.dialect())?;
        Ok(CachedPlan::new(
            plan,
            &url,
            key.accepted.json.is_some(),
            &opened.model,
            root,
            text.len() > HEAVY_TEXT,
        ))
    }

    /// The absolute URL of a source's service document, with its slash. Links lead a caller whose token is bound to a
    /// certificate to the address at which clients can present it.
    pub fn service_root(&self, record: &DataSource, caller: &Caller) -> String {
        self.root(record, caller.must_present_a_certificate())
    }

    fn root(&self, record: &DataSource, for_certificates: bool) -> String {
        let settings = &self.context.settings;
        let alias = settings.client_certificates.public_url.as_ref().filter(|_| for_certificates);
        format!("{}{SERVICE_PATH}/{}/", alias.unwrap_or(&settings.public_url), record.name)
    }

    /// A position contains the source for which it was sealed, but no rights.
    pub(super) fn open_position(&self, sealed: &str, source: DataSourceId) -> Result<Position, Error> {
        let opened = self.context.vault.open_position(sealed).unwrap_or_default();
        match opened.split_first_chunk() {
            Some((id, position)) if *id == source.get().to_le_bytes() => Position::from_bytes(position),
            _ => Position::from_bytes(&[]),
        }
    }
}

impl CachedPlan {
    /// The plan of a request, which is bound to this model.
    pub(super) fn new(
        plan: Plan,
        url: &Url,
        json_accepted: bool,
        model: &Model,
        root: &str,
        heavy: bool,
    ) -> Self {
        let service_document = match &plan {
            Plan::ServiceDocument(format) => Some(odata::service_document::json(model, root, *format).into()),
            _ => None,
        };
        Self {
            plan,
            json_accepted,
            format_named: url.names_format(),
            service_document,
            heavy,
            slow: AtomicU32::new(0),
            length: AtomicUsize::new(0),
        }
    }

    /// Whether to try it on the caller's thread.
    pub(super) fn may_be_short(&self) -> bool {
        let page = match &self.plan {
            Plan::Entities(query) => query.page_limit,
            _ => 1,
        };
        page <= SHORT_PAGE && !self.heavy && !self.backs_off()
    }

    /// Records that it took too long.
    pub(super) fn took_long(&self) {
        self.slow.store(INLINE_BACK_OFF, Ordering::Relaxed);
    }

    /// A buffer that should be large enough for the page.
    pub(super) fn buffer(&self) -> Vec<u8> {
        let expected = self.length.load(Ordering::Relaxed) + SLACK;
        Vec::with_capacity(expected.clamp(*CAPACITY.start(), *CAPACITY.end()))
    }

    /// Records the length of the page.
    pub(super) fn was_long(&self, bytes: usize) {
        self.length.store(bytes, Ordering::Relaxed);
    }

    fn backs_off(&self) -> bool {
        self.slow.load(Ordering::Relaxed) > 0
            && self.slow.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// An estimate of its size in memory.
    fn weight(&self) -> usize {
        let statement = Statement::weight;
        let related = |expansion: Option<&Expansion>| -> usize {
            expansion.map_or(0, |expansion| expansion.statements().iter().map(statement).sum())
        };
        let plan = match &self.plan {
            Plan::Entities(query) => {
                let others = [&query.count, &query.ahead, &query.owner]
                    .into_iter()
                    .flatten()
                    .map(statement)
                    .sum::<usize>();
                statement(&query.statement) + others + related(query.expansion.as_deref())
            }
            Plan::Entity(single) | Plan::Property(single) | Plan::Value(single) => {
                let owner = single.owner.as_ref().map_or(0, statement);
                statement(&single.statement) + owner + related(single.expansion.as_deref())
            }
            Plan::Count { statement: counting, owner, .. } => {
                statement(counting) + owner.as_ref().map_or(0, statement)
            }
            Plan::ServiceDocument(_) | Plan::Metadata(_) => 0,
        };
        plan + self.service_document.as_ref().map_or(0, Bytes::len)
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Arc<CachedPlan>> for Weight {
    fn weight(&self, key: &Key, planned: &Arc<CachedPlan>) -> u64 {
        // The plan contains the text too.
        (1024 + 3 * key.text.len() + planned.weight()) as u64
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        LookupKey { key: self.key, text: &self.text }.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.text == other.text
    }
}

impl Eq for Key {}

impl Hash for LookupKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.text.hash(state);
    }
}

impl Equivalent<Key> for LookupKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.key == key.key && *self.text == *key.text
    }
}

#[cfg(test)]
mod tests {
    use odata::cell::Value;

    use super::*;
    use crate::data::models::UNRESTRICTED;

    fn planned(parameter: &str) -> CachedPlan {
        let statement = Statement {
            sql: "SELECT ?1".to_owned(),
            parameters: vec![Value::Text(parameter.to_owned())],
            columns: 1,
            quicker: None,
        };
        CachedPlan {
            plan: Plan::Count { statement, owner: None, cacheable: true },
            json_accepted: true,
            format_named: false,
            service_document: None,
            heavy: false,
            slow: AtomicU32::new(0),
            length: AtomicUsize::new(0),
        }
    }

    #[test]
    fn readers_with_different_policies_share_no_plan() {
        let plans = Plans::default();
        let key = |policy_version| PlanKey {
            source: DataSourceId::new(1),
            updated_at: 0,
            model_version: 1,
            page_size: 10,
            accepted: AcceptedFormats::by(""),
            policy_version,
            for_certificates: false,
        };
        let text = "/Things/$count";
        let found = |policy_version| plans.0.get(&LookupKey { key: key(policy_version), text });
        for policy_version in [UNRESTRICTED, 1] {
            assert!(found(policy_version).is_none());
            let planned = planned(&policy_version.to_string());
            plans.0.insert(Key { key: key(policy_version), text: text.into() }, Arc::new(planned));
        }
        for policy_version in [UNRESTRICTED, 1] {
            let Plan::Count { statement, .. } = &found(policy_version).unwrap().plan else { unreachable!() };
            assert_eq!(statement.parameters, [Value::Text(policy_version.to_string())]);
        }
    }

    #[test]
    fn the_size_of_a_plan_includes_its_parameters() {
        let long = "x".repeat(1_000_000);
        assert!(planned(&long).weight() >= planned("").weight() + long.len());
    }
}

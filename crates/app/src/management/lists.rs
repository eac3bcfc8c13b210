//! Lists that are read page by page, however long they are.

use std::pin::Pin;
use std::sync::Arc;

use domain::account::Permission;
use domain::id::UserId;
use oauth::scope::BuiltInScope;
use store::{StoreError, fold_name};

use crate::identity::acting::Actor;
use crate::identity::authentication::Callers;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::Entities;
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

/// The number of rows in one read.
const ROWS: u32 = 500;

/// The requested part of a list; the same for every list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only elements after the one with this id, in the order of the list.
    pub after: Option<i64>,
    /// The maximum number of elements; `None` for all.
    pub limit: Option<u32>,
    /// Only elements whose texts contain this text, ignoring case.
    pub query: Option<String>,
}

impl ListRequest {
    /// Whether one of the texts contains the search text, ignoring case.
    pub fn admits<T: AsRef<str>>(&self, texts: &[T]) -> bool {
        admits(self.query.as_deref(), texts)
    }
}

fn admits<T: AsRef<str>>(query: Option<&str>, texts: &[T]) -> bool {
    let Some(query) = query else { return true };
    let query = fold_name(query);
    texts.iter().any(|text| fold_name(text.as_ref()).contains(&query))
}

/// The start and the maximum length of a page.
#[derive(Debug, Clone)]
pub(crate) struct PageRange {
    pub(crate) after: Option<i64>,
    pub(crate) rows: u32,
    pub(crate) query: Option<String>,
}

/// One page.
pub(crate) struct Chunk<T> {
    pub(crate) rows: Vec<T>,
    /// The id after which the next page starts; `None` after the last page.
    pub(crate) next: Option<i64>,
}

type Reading<T> = Pin<Box<dyn Future<Output = Result<Chunk<T>, Fault>> + Send>>;

/// Why a list is aborted.
#[derive(Debug, thiserror::Error)]
pub enum ListEnded {
    /// The caller may not see it any more.
    #[error("the access was revoked while the list was being sent")]
    AccessEnded,
    /// The server cannot continue.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The elements of a list, read on demand. Only one page is in memory.
pub struct Rows<T> {
    context: Arc<Context>,
    caller: Caller,
    /// The origin of the request.
    origin: RequestOrigin,
    /// The list ends if the caller loses any of these.
    needs: Vec<Permission>,
    /// The user on whose behalf the caller reads.
    subject: UserId,
    /// The list ends if neither the caller nor the subject has all of these any more.
    shared_needs: Vec<Permission>,
    read: Box<dyn Fn(Arc<Context>, PageRange) -> Reading<T> + Send + Sync>,
    after: Option<i64>,
    left: Option<u32>,
    query: Option<String>,
    is_filtered: bool,
    began: bool,
    over: bool,
}

impl<T> std::fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("after", &self.after).field("over", &self.over).finish_non_exhaustive()
    }
}

impl<T> Rows<T> {
    pub(crate) fn new<F>(
        context: &Arc<Context>,
        caller: &Caller,
        needs: Vec<Permission>,
        request: ListRequest,
        origin: &RequestOrigin,
        read: impl Fn(Arc<Context>, PageRange) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Chunk<T>, Fault>> + Send + 'static,
    {
        Self {
            context: Arc::clone(context),
            caller: caller.clone(),
            origin: origin.clone(),
            needs,
            subject: caller.account().user.id,
            shared_needs: Vec::new(),
            read: Box::new(move |context, page| Box::pin(read(context, page))),
            after: request.after,
            left: request.limit,
            query: request.query,
            is_filtered: false,
            began: false,
            over: false,
        }
    }

    /// The rows that an actor reads, with the rights that the actor needs for it.
    pub(crate) fn of_actor<F>(
        context: &Arc<Context>,
        actor: &Actor,
        request: ListRequest,
        origin: &RequestOrigin,
        read: impl Fn(Arc<Context>, PageRange) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Chunk<T>, Fault>> + Send + 'static,
    {
        let rows = Self::new(context, actor.caller(), actor.needs(), request, origin, read);
        Self { subject: actor.subject().user.id, ..rows }
    }

    /// Many elements may be left out, beyond those that a search leaves out.
    pub(crate) fn filtered(mut self, is_filtered: bool) -> Self {
        self.is_filtered = is_filtered;
        self
    }

    /// The list ends, too, if the caller loses the permission.
    pub(crate) fn while_caller_may(mut self, permission: Permission) -> Self {
        self.needs.push(permission);
        self
    }

    /// The list ends, too, if neither the caller nor the user on whose behalf the caller reads has the permission.
    pub(crate) fn while_either_may(mut self, permission: Permission) -> Self {
        self.shared_needs.push(permission);
        self
    }

    /// Whether everything has been read.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next elements; empty after the last. Each call checks whether the caller may still see them.
    ///
    /// # Errors
    /// [`ListEnded`].
    pub async fn next(&mut self) -> Result<Vec<T>, ListEnded> {
        while !self.over {
            if self.began && !self.may_go_on().await? {
                let reason = RefusalReason::RightsChanged;
                Refusals::of(&self.context).note_request(reason, Some(&self.caller), &self.origin).await;
                return Err(ListEnded::AccessEnded);
            }
            self.began = true;
            // A search may have to read far; without one, no more is read than needed.
            let reads_far = self.query.is_some() || self.is_filtered;
            let rows = if reads_far { ROWS } else { self.left.unwrap_or(ROWS).min(ROWS) };
            let page = PageRange { after: self.after, rows, query: self.query.clone() };
            let mut chunk = (self.read)(Arc::clone(&self.context), page).await?;
            self.after = chunk.next;
            self.over = chunk.next.is_none();
            if let Some(left) = &mut self.left {
                chunk.rows.truncate(*left as usize);
                *left = left.saturating_sub(u32::try_from(chunk.rows.len()).unwrap_or(u32::MAX));
                self.over |= *left == 0;
            }
            if !chunk.rows.is_empty() {
                return Ok(chunk.rows);
            }
        }
        Ok(Vec::new())
    }

    /// Reads all remaining elements, page by page, for a command that prints the whole list.
    ///
    /// # Errors
    /// [`ListEnded`].
    pub async fn rest(mut self) -> Result<Vec<T>, ListEnded> {
        let mut elements = Vec::new();
        while !self.over {
            elements.extend(self.next().await?);
        }
        Ok(elements)
    }

    async fn may_go_on(&self) -> Result<bool, Fault> {
        let Some(account) = Callers::of(&self.context).still_authenticated(&self.caller).await? else {
            return Ok(false);
        };
        let may = account.may(Permission::MgmtAPI) && self.needs.iter().all(|needed| account.may(*needed));
        let lacking = self.shared_needs.iter().any(|needed| !account.may(*needed));
        if lacking && !self.subject_may(&self.shared_needs).await? {
            return Ok(false);
        }
        Ok(may && Callers::of(&self.context).still_covers(&self.caller, BuiltInScope::Management).await?)
    }
}

impl<T> Rows<T> {
    async fn subject_may(&self, needs: &[Permission]) -> Result<bool, Fault> {
        let subject = Entities::of(&self.context).account(self.subject).await?;
        Ok(subject
            .is_some_and(|subject| subject.user.active && needs.iter().all(|needed| subject.may(*needed))))
    }
}

impl PageRange {
    /// Converts the rows read for this page to a chunk; `id` returns the position of an element.
    pub(crate) fn chunk<T>(&self, rows: Vec<T>, id: impl Fn(&T) -> i64) -> Chunk<T> {
        let is_full = rows.len() >= self.rows as usize;
        Chunk { next: rows.last().filter(|_| is_full).map(id), rows }
    }
}

impl<T> Chunk<T> {
    /// Keeps only the elements whose texts the page admits.
    pub(crate) fn searched(mut self, page: &PageRange, texts: impl Fn(&T) -> Vec<&str>) -> Self {
        if page.query.is_some() {
            self.rows.retain(|row| admits(page.query.as_deref(), &texts(row)));
        }
        self
    }

    /// Keeps only these elements.
    pub(crate) fn kept(mut self, is_kept: impl Fn(&T) -> bool) -> Self {
        self.rows.retain(is_kept);
        self
    }
}

/// Converts a result of the store to one of a list.
pub(crate) fn read<T>(answer: Result<T, StoreError>) -> Result<T, Fault> {
    answer.map_err(Fault::from)
}

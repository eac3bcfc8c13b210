//! Random filters, orders and pages give the rows that the standard says.

use std::cmp::Ordering;

use odata::error::Reason;
use odata::plan::Plan;
use testkit::Random;

use crate::database::Database;
use crate::oracle::{Trouble, Value, in_order};
use crate::requests::{Request, Requests};
use crate::rows::Sample;

/// How many requests are tried, unless the environment variable [`COUNT`] says otherwise.
const REQUESTS: u64 = 2_000;
pub(crate) const COUNT: &str = "SLUICEGATE_DIALECT_REQUESTS";
/// The seed of the first request, unless [`SEED`] gives another.
pub(crate) const FIRST: u64 = 1;
pub(crate) const SEED: &str = "SLUICEGATE_DIALECT_SEED";
pub(crate) const ROWS: usize = 60;

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// Whether the request computes what is not a number for some row.
fn computes_nan(sample: &Sample, request: &Request) -> bool {
    let mut terms = request.filter.iter().chain(request.order.iter().map(|(term, _)| term));
    terms.any(|term| sample.rows.iter().any(|row| term.computes_nan(row)))
}

/// The ids of the rows of a request among those that are reached, in order; `None` if some row has no answer.
pub(crate) fn expected(
    sample: &Sample,
    request: &Request,
    is_reached: impl Fn(&[Value]) -> bool,
) -> Option<Vec<i64>> {
    let mut kept = Vec::new();
    for (id, row) in sample.rows.iter().enumerate().filter(|(_, row)| is_reached(row)) {
        let holds = request.filter.as_ref().map_or(Ok(Value::Boolean(true)), |filter| filter.value(row));
        let is_kept = matches!(holds.ok()?, Value::Boolean(true));
        let terms: Result<Vec<Value>, Trouble> =
            request.order.iter().map(|(term, _)| term.value(row)).collect();
        if is_kept {
            kept.push((i64::try_from(id).unwrap(), terms.ok()?));
        }
    }
    let last = request.order.last().is_some_and(|(_, descending)| *descending);
    let turned = |order: Ordering, descending: bool| if descending { order.reverse() } else { order };
    kept.sort_by(|(one_id, one), (other_id, other)| {
        let terms = one.iter().zip(other).zip(&request.order);
        let order = terms.fold(Ordering::Equal, |order, ((one, other), (_, descending))| {
            order.then_with(|| turned(in_order(one, other), *descending))
        });
        order.then_with(|| turned(one_id.cmp(other_id), last))
    });
    let ids = kept.into_iter().map(|(id, _)| id).skip(request.skip);
    Some(ids.take(request.top.unwrap_or(usize::MAX)).collect())
}

/// Whether the plan is refused for a reason that the generator does not avoid: a literal zero as divisor, a negative
/// length, NUL where PostgreSQL has no text for it, and an infinite number where MySQL would compute with it.
pub(crate) fn is_refused(database: &impl Database, url: &str) -> bool {
    match database.plan(url, 10, None) {
        Ok(_) => false,
        Err(error) => {
            assert!(
                matches!(
                    error.reason,
                    Reason::Unanswerable(_) | Reason::NotImplemented(_) | Reason::OtherZone(_)
                ),
                "{url}: {error}"
            );
            true
        }
    }
}

/// Compares random requests to the database with the answers of the evaluator.
pub(crate) fn give_the_rows_that_the_standard_says<D: Database>(database: &D, sample: &Sample) {
    let (first, count) = (number(SEED, FIRST), number(COUNT, REQUESTS));
    let mut compared = 0;
    for seed in first..first + count {
        let mut requests = Requests::new(sample, Random::new(seed).bits());
        let request = requests.request();
        let url = request.url();
        if is_refused(database, &url) || !D::HAS_NAN && computes_nan(sample, &request) {
            continue;
        }
        let page_size = 1 + requests.random.place(12);
        let Some(expected) = expected(sample, &request, |_| true) else { continue };
        // A part of an expression that cannot decide may still be computed, and fail.
        let Ok(ids) = database.ids(&url, page_size) else { continue };
        assert_eq!(ids, expected, "{SEED}={seed} {COUNT}=1, page size {page_size}: {}", readable(&request));
        compared += 1;
        counts(database, sample, &request, seed);
    }
    assert!(compared * 10 >= count * 7, "only {compared} of {count} requests were compared");
}

/// The number of all rows is that without `$top` and `$skip`.
fn counts(database: &impl Database, sample: &Sample, request: &Request, seed: u64) {
    let all = Request { filter: request.filter.clone(), order: Vec::new(), top: None, skip: 0 };
    let Some(expected) = expected(sample, &all, |_| true) else { return };
    let url = all.url().replace("/T?$select=id", "/T/$count?").replace("?&", "?");
    let Ok(Plan::Count { statement, .. }) = database.plan(&url, 10, None) else { panic!("{url}") };
    assert_eq!(
        database.number(&statement),
        Ok(i64::try_from(expected.len()).unwrap()),
        "{SEED}={seed}: {url}"
    );
}

fn readable(request: &Request) -> String {
    let order: Vec<String> = request
        .order
        .iter()
        .map(|(term, descending)| format!("{term}{}", if *descending { " desc" } else { "" }))
        .collect();
    let filter = request.filter.as_ref().map_or_else(String::new, ToString::to_string);
    format!("filter {filter:?}, order {order:?}, top {:?}, skip {}", request.top, request.skip)
}

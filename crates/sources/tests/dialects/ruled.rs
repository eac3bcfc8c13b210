//! Random requests under random rules: only the rows that meet the rule are in the answers, and only they make a request fail.

use odata::model::Model;
use odata::model::document::{AccessRule, ModelDocument, RuleAction};
use odata::rules::{AccessRules, RuleSubject};
use odata::sql::Dialect;
use odata::statement::Statement;
use testkit::Random;

use crate::database::Database;
use crate::oracle::Value;
use crate::random::{COUNT, FIRST, SEED, expected, is_refused, number};
use crate::requests::{Requests, encoded};
use crate::rows::Sample;

/// How many requests are tried, unless the environment variable [`COUNT`] says otherwise.
const REQUESTS: u64 = 600;

/// A database of which a caller reaches some rows.
struct Ruled<'d, D> {
    database: &'d D,
    model: Model,
}

impl<D: Database> Database for Ruled<'_, D> {
    const DIALECT: Dialect = D::DIALECT;

    type Row = D::Row;

    type Failure = D::Failure;

    fn model(&self) -> &Model {
        &self.model
    }

    fn rows(&self, statement: &Statement) -> Result<Vec<Self::Row>, Self::Failure> {
        self.database.rows(statement)
    }
}

impl<'d, D: Database> Ruled<'d, D> {
    /// The rows for which the condition is true; `None` if it is not supported in a rule.
    fn new(database: &'d D, condition: &str) -> Option<Self> {
        let rule = AccessRule {
            actions: vec![RuleAction::Read],
            condition: Some(condition.to_owned()),
            ..AccessRule::default()
        };
        let document = ModelDocument { rules: vec![rule], ..ModelDocument::default() };
        assert_eq!(document.faults(), [], "{condition}");
        let rules = AccessRules::of(&document, database.model(), str::to_lowercase);
        let policy = rules.policy(RuleSubject { user: "ann", roles: &[], application: None });
        let model = database.model().for_policy(&rules, &policy, RuleAction::Read);
        rules.findings(database.model()).is_empty().then_some(Self { database, model })
    }
}

/// Compares random requests under random rules with the answers of the evaluator about the rows that meet the rule.
pub(crate) fn only_reached_rows_are_read(database: &impl Database, sample: &Sample) {
    let (first, count) = (number(SEED, FIRST), number(COUNT, REQUESTS));
    let mut compared = 0;
    for seed in first..first + count {
        let mut requests = Requests::new(sample, Random::new(seed).bits());
        let rule = requests.condition(2);
        let request = requests.request();
        let Some(ruled) = Ruled::new(database, &rule.to_string()) else { continue };
        let is_reached = |row: &[Value]| matches!(rule.value(row), Ok(Value::Boolean(true)));
        let url = request.url();
        if is_refused(&ruled, &url) {
            continue;
        }
        let Some(expected) = expected(sample, &request, is_reached) else { continue };
        let Ok(ids) = ruled.ids(&url, 1 + requests.random.place(12)) else { continue };
        assert_eq!(ids, expected, "{SEED}={seed} {COUNT}=1: {url} where {rule}");
        compared += 1;
    }
    assert!(compared * 10 >= count * 5, "only {compared} of {count} requests were compared");
}

/// A request that divides by what is zero in hidden rows only does not fail, however the database orders its work.
pub(crate) fn hidden_rows_make_no_request_fail(database: &impl Database, sample: &Sample) {
    let ruled = Ruled::new(database, "id ne 0 and id ne 3 and id lt 50").expect("a rule");
    let reached = i64::try_from(sample.rows.len().min(50)).unwrap() - 2;
    let divided = "1 div id ne 7 and 1 div (id sub 3) ne 7";
    for (filter, order) in [
        (divided.to_owned(), "id"),
        (divided.to_owned(), "1 div id,1 div (id sub 3)"),
        (format!("id in (0,1,2,3,4,5,6,7,8,9) or ({divided})"), "id desc"),
    ] {
        let url = format!("/T?$select=id&$filter={}&$orderby={}", encoded(&filter), encoded(order));
        let ids = ruled.ids(&url, 7).unwrap_or_else(|failure| panic!("{url}: {failure:?}"));
        assert_eq!(i64::try_from(ids.len()), Ok(reached), "{url}: {ids:?}");
        assert!(!ids.contains(&0) && !ids.contains(&3), "{url}: {ids:?}");
    }
}

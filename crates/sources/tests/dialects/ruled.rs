//! Random requests under random rules: only the rows that meet the rule are in the answers, and only they make a request fail.

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::Model;
use odata::model::document::{AccessRule, ColumnMask, ModelDocument, RuleAction, TableName};
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

/// The same of a masked column.
const MASKED_REQUESTS: u64 = 300;

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
        Self::with(database, vec![rule])
    }

    /// The rows and values that rules leave; `None` if they are not supported.
    fn with(database: &'d D, rules: Vec<AccessRule>) -> Option<Self> {
        let document = ModelDocument { rules, ..ModelDocument::default() };
        assert_eq!(document.faults(), []);
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

/// A rule that follows navigation properties reads all rows there, whatever the rules about them say.
pub(crate) fn rules_follow_navigation(database: &impl Database) {
    let rule = |table: &str, condition: &str| AccessRule {
        tables: vec![TableName { schema: None, table: table.to_owned() }],
        actions: vec![RuleAction::Read],
        condition: Some(condition.to_owned()),
        ..AccessRule::default()
    };
    for (condition, expected) in [
        ("P/name eq 'Bergen'", vec![1, 2, 5]),
        ("P/C/name eq 'Norway' and size gt 5", vec![1, 2]),
        ("P eq null or P/C eq null", vec![5, 6]),
        ("P/C/P/any(p:p/name eq 'Oslo')", vec![1, 2, 3]),
        ("P/S/all(s:s/size le 10)", vec![3, 4, 5, 6]),
        ("P/S/$count eq 1", vec![3, 4, 5]),
    ] {
        let ruled = Ruled::with(database, vec![rule("S", condition), rule("P", "false")]).expect("rules");
        for page_size in [1, 100] {
            let ids =
                ruled.ids("/S?$filter=size%20gt%200%20and%20P/name%20eq%20null&$orderby=P/name", page_size);
            assert_eq!(ids.unwrap_or_else(|failure| panic!("{failure:?}")), expected, "{condition}");
        }
    }
}

/// The end of a text is read as a text, as it is and in a derived table.
pub(crate) fn the_end_of_a_masked_text_is_read(database: &impl Database) {
    let mask = ColumnMask { column: "name".to_owned(), last_characters: Some(2), ..ColumnMask::default() };
    let rule = AccessRule {
        tables: vec![TableName { schema: None, table: "P".to_owned() }],
        actions: vec![RuleAction::Read],
        masked_columns: vec![mask],
        ..AccessRule::default()
    };
    let ruled = Ruled::with(database, vec![rule]).expect("a rule");
    let names = |database: &dyn Fn(&str) -> Vec<serde_json::Value>, url: &str| -> Vec<Option<String>> {
        database(url).iter().map(|row| row["name"].as_str().map(str::to_owned)).collect()
    };
    let url = "/P?$select=name&$orderby=id";
    let stored = names(&|url| database.walk(url, 100).unwrap(), url);
    let ends: Vec<Option<String>> = stored
        .iter()
        .map(|name| {
            let (name, length) = (name.as_ref()?, name.as_ref()?.chars().count());
            (length > 2).then(|| name.chars().skip(length - 2).collect())
        })
        .collect();
    assert!(ends.iter().flatten().count() > 1, "{stored:?}");
    for page_size in [1, 100] {
        let seen = |url: &str| ruled.walk(url, page_size).unwrap();
        assert_eq!(names(&seen, url), ends);
        assert_eq!(names(&seen, "/P?$apply=concat(identity,filter(false))&$orderby=id&$select=name"), ends);
    }
}

/// Compares random requests to a database one of whose columns is masked with the answers about rows with the masks as values.
pub(crate) fn masked_values_decide_about_nothing(database: &impl Database, sample: &mut Sample) {
    let (first, count) = (number(SEED, FIRST), number(COUNT, MASKED_REQUESTS));
    let mut compared = 0;
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let at = 1 + random.place(sample.columns.len() - 1);
        let property = &database.model().entity_types[0].properties[at];
        let is_text =
            matches!(property.ty, EdmType::String { .. }) && property.storage.form == Form::Canonical;
        let kind = if is_text { random.place(3) } else { 0 };
        let mask = ColumnMask {
            column: property.column.clone(),
            text: (kind == 1).then(|| "a".to_owned()),
            last_characters: (kind == 2).then_some(1),
        };
        let rule = AccessRule {
            actions: vec![RuleAction::Read],
            masked_columns: vec![mask.clone()],
            ..AccessRule::default()
        };
        let ruled = Ruled::with(database, vec![rule]).expect("a rule");
        let values: Vec<Value> = sample.rows.iter().map(|row| row[at].clone()).collect();
        for row in &mut sample.rows {
            row[at] = match (&row[at], &mask) {
                (_, ColumnMask { text: Some(text), .. }) => Value::Text(text.clone()),
                (Value::Text(text), ColumnMask { last_characters: Some(1), .. })
                    if text.chars().count() > 1 =>
                {
                    Value::Text(text.chars().last().into_iter().collect())
                }
                _ => Value::Null,
            };
        }
        let mut requests = Requests::new(sample, random.bits());
        let request = requests.request();
        let url = request.url();
        let page_size = 1 + requests.random.place(12);
        let expected = expected(sample, &request, |_| true);
        for (row, value) in sample.rows.iter_mut().zip(values) {
            row[at] = value;
        }
        if is_refused(&ruled, &url) {
            continue;
        }
        let (Some(expected), Ok(ids)) = (expected, ruled.ids(&url, page_size)) else { continue };
        assert_eq!(ids, expected, "{SEED}={seed} {COUNT}=1: {url} with {mask:?}");
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

//! A database on a server that the tests share, its model, and requests against it.

use std::fmt::Debug;

use odata::cell::{Cell, Row};
use odata::error::Error;
use odata::format::{AcceptedFormats, Format};
use odata::model::{Column, Model, Table, TableChanges};
use odata::plan::{Plan, PlanContext, Query, prepare};
use odata::position::Position;
use odata::sql::Dialect;
use odata::statement::Statement;
use odata::url::Url;

use crate::requests::encoded;

/// The pages after which a walk has surely gone wrong.
const MOST_PAGES: usize = 1_000;

/// A table whose key the database enforces.
pub(crate) fn table(name: &str, columns: Vec<Column>, key: &[&str]) -> Table {
    Table {
        schema: None,
        set_name: None,
        name: name.to_owned(),
        columns,
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    }
}

pub(crate) trait Database {
    const DIALECT: Dialect;
    /// Whether it computes with what is not a number. Otherwise that is null.
    const HAS_NAN: bool = true;

    type Row: Row;

    /// Why a row has no answer.
    type Failure: Debug + PartialEq;

    fn model(&self) -> &Model;

    fn rows(&self, statement: &Statement) -> Result<Vec<Self::Row>, Self::Failure>;

    fn plan(&self, url: &str, page_size: usize, position: Option<Position>) -> Result<Plan, Error> {
        self.plan_in(url, page_size, position, None)
    }

    /// The plan with this format of rows alone, unless the URL names another one.
    fn plan_in(
        &self,
        url: &str,
        page_size: usize,
        position: Option<Position>,
        rows: Option<Format>,
    ) -> Result<Plan, Error> {
        let context = PlanContext {
            now: "2024-06-01T00:00:00Z".parse().unwrap(),
            page_size,
            format: Format::default(),
            rows,
            service_root: "https://host/api/odata4/test",
            position,
        };
        prepare(&Url::read(url)?, self.model(), &context, Self::DIALECT)
    }

    /// The only number that a statement returns.
    fn number(&self, statement: &Statement) -> Result<i64, Self::Failure> {
        let rows = self.rows(statement)?;
        match rows[0].cell(0) {
            Cell::Integer(number) => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    /// The body of one page, and the position after it if there is more.
    fn page(&self, query: &Query) -> Result<(String, Option<Position>), Self::Failure> {
        let mut out = Vec::new();
        let count = query.count.as_ref().map(|count| self.number(count)).transpose()?;
        let mut body = query.encoder.start(&mut out, count);
        let rows = self.rows(&query.statement)?;
        let (written, more) = rows.split_at(rows.len().min(query.page_limit));
        for row in written {
            body.row(&mut out, row);
        }
        body.finish(&mut out, None);
        let position = written.last().filter(|_| !more.is_empty());
        // A position travels in a link.
        let position = position.map(|row| query.position_after(row, written.len()).to_bytes());
        let position = position.map(|bytes| Position::from_bytes(&bytes).unwrap());
        Ok((String::from_utf8(out).unwrap(), position))
    }

    /// Whether the position after a page is the one that is found before the page is read, if it is sought.
    fn is_seen_ahead(
        &self,
        url: &str,
        page_size: usize,
        position: Option<Position>,
        next: Option<&Position>,
    ) -> Result<bool, Self::Failure> {
        let rows = AcceptedFormats::by("application/x-ndjson").rows;
        let Ok(Plan::Entities(query)) = self.plan_in(url, page_size, position, rows) else { return Ok(true) };
        let Some(ahead) = &query.ahead else { return Ok(true) };
        let rows = self.rows(ahead)?;
        let last = rows.first().filter(|_| rows.len() > 1);
        let seen = last.map(|last| query.position_after(last, query.page_limit).to_bytes());
        Ok(seen == next.map(Position::to_bytes))
    }

    /// The entities of all pages in their order.
    fn walk(&self, url: &str, page_size: usize) -> Result<Vec<serde_json::Value>, Self::Failure> {
        let mut position = None;
        let mut entities = Vec::new();
        for page in 0..MOST_PAGES {
            // The text of the link is the caller's matter.
            let link = format!("{url}{}$skiptoken=x", if url.contains('?') { '&' } else { '?' });
            let url = if page == 0 { url } else { link.as_str() };
            let plan = self.plan(url, page_size, position.clone());
            let plan = plan.unwrap_or_else(|error| panic!("{url}: {error}"));
            let Plan::Entities(query) = plan else { panic!("{url}") };
            let (body, next) = self.page(&query)?;
            // Every further page is read like the second one.
            if page < 2 {
                let is_seen = self.is_seen_ahead(url, page_size, position, next.as_ref())?;
                assert!(is_seen, "{url} by {page_size}");
            }
            let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
            entities.append(body["value"].as_array_mut().unwrap());
            position = next;
            if position.is_none() {
                return Ok(entities);
            }
        }
        panic!("{url} has no end");
    }

    /// The values of the property `id` on all pages.
    fn ids(&self, url: &str, page_size: usize) -> Result<Vec<i64>, Self::Failure> {
        Ok(self.walk(url, page_size)?.iter().map(|row| row["id"].as_i64().unwrap()).collect())
    }

    /// The body of the response to a request for a set, an entity, a property, a value or a count.
    fn body(&self, url: &str) -> String {
        let mut out = Vec::new();
        let rows = |statement: &Statement| self.rows(statement).unwrap();
        match self.plan(url, 100, None).unwrap_or_else(|error| panic!("{url}: {error}")) {
            Plan::Entities(query) => return self.page(&query).unwrap().0,
            Plan::Entity(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.entity(&mut out, row);
            }),
            Plan::Property(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.property(&mut out, row);
            }),
            Plan::Value(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.value(&mut out, row);
            }),
            Plan::Count { statement, .. } => return self.number(&statement).unwrap().to_string(),
            other => panic!("{other:?}"),
        }
        String::from_utf8(out).unwrap()
    }

    /// Whether a condition holds for the only row of the set `One`.
    fn holds(&self, condition: &str) -> bool {
        match self.body(&format!("/One/$count?$filter={}", encoded(condition))).as_str() {
            "0" => false,
            "1" => true,
            other => panic!("{other}"),
        }
    }

    /// The statement for a page, after the position of its last row if `after` is set.
    fn statement(&self, url: &str, after: bool) -> Statement {
        let Plan::Entities(query) = self.plan(url, 3, None).unwrap() else { panic!("{url}") };
        if !after {
            return query.statement;
        }
        let position = self.page(&query).unwrap().1;
        let link = format!("{url}{}$skiptoken=x", if url.contains('?') { '&' } else { '?' });
        let Plan::Entities(query) = self.plan(&link, 3, position).unwrap() else { panic!("{link}") };
        query.statement
    }
}

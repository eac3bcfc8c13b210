//! A client that reads through the driver of a database and follows all links.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use odata::cell::{Cell, Row};
use odata::expansion::{Bounds, Gathering, Progress};
use odata::format::Format;
use odata::model::Model;
use odata::plan::{Plan, PlanContext, Single, prepare};
use odata::position::Position;
use odata::statement::Statement;
use odata::url::Url;
use serde_json::{Map, Value};
use sources::driver::{Job, Runner, Statements};
use sources::{ChunkSink, Deadline, Run, Source, SourceError, SourceRow};

use crate::oracle::ROOT;

/// The links after which a walk has surely gone wrong.
const MOST_LINKS: usize = 5_000;

/// How a client reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) page_size: usize,
    pub(crate) bounds: Bounds,
}

pub(crate) struct Client {
    source: Source,
    pub(crate) model: Model,
    positions: Vec<Position>,
    links: usize,
    /// The number of statements of the last request.
    pub(crate) statements: usize,
}

/// Reads a request and writes its body.
struct Read {
    plan: Plan,
    bounds: Bounds,
    first_token: usize,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Debug, Default)]
struct Outcome {
    body: Vec<u8>,
    positions: Vec<Position>,
    statements: usize,
}

impl Client {
    pub(crate) async fn of(source: Source) -> Self {
        let described = source.describe(far()).await.unwrap();
        let model = Model::compile("Test", described.schema);
        Self { source, model, positions: Vec::new(), links: 0, statements: 0 }
    }

    /// The body of one response; `None` if there is no such entity.
    pub(crate) async fn get(&mut self, url: &str, limits: Pace) -> Option<Value> {
        let position = url.split_once("$skiptoken=T").map(|(_, token)| {
            let number: usize = token.parse().unwrap();
            // A position travels in a link.
            Position::from_bytes(&self.positions[number].to_bytes()).unwrap()
        });
        let context = PlanContext {
            now: "2024-06-01T00:00:00Z".parse().unwrap(),
            page_size: limits.page_size,
            format: Format::default(),
            rows: None,
            service_root: ROOT,
            position,
        };
        let dialect = self.source.dialect();
        let plan = Url::read(url).and_then(|url| prepare(&url, &self.model, &context, dialect));
        let plan = plan.unwrap_or_else(|error| panic!("{url}: {error}"));
        let outcome = Arc::<Mutex<Outcome>>::default();
        let job = Read {
            plan,
            bounds: limits.bounds,
            first_token: self.positions.len(),
            outcome: Arc::clone(&outcome),
        };
        let mut chunks = self.source.stream(Run { deadline: far(), max_rows: usize::MAX }, job).unwrap();
        while let Some(chunk) = chunks.next().await {
            chunk.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        }
        let outcome = std::mem::take(&mut *outcome.lock().unwrap());
        self.positions.extend(outcome.positions);
        self.statements = outcome.statements;
        if outcome.body.is_empty() {
            return None;
        }
        let text = String::from_utf8(outcome.body).unwrap();
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}")))
    }

    /// The body of a response after all links in it have been followed.
    pub(crate) async fn all(&mut self, url: &str, limits: Pace) -> Option<Value> {
        self.links = 0;
        let body = self.get(url, limits).await?;
        Some(self.complete(body, limits).await)
    }

    async fn complete(&mut self, value: Value, limits: Pace) -> Value {
        match value {
            Value::Object(mut members) => {
                let labels: Vec<String> =
                    members.keys().filter(|name| name.ends_with("@odata.nextLink")).cloned().collect();
                for label in labels {
                    self.follow(&mut members, &label, limits).await;
                }
                let mut complete = Map::new();
                for (name, value) in members {
                    complete.insert(name, Box::pin(self.complete(value, limits)).await);
                }
                Value::Object(complete)
            }
            Value::Array(items) => {
                let mut complete = Vec::new();
                for item in items {
                    complete.push(Box::pin(self.complete(item, limits)).await);
                }
                Value::Array(complete)
            }
            other => other,
        }
    }

    /// Appends the pages behind a link to the list that it continues.
    async fn follow(&mut self, members: &mut Map<String, Value>, label: &str, limits: Pace) {
        let name = label.strip_suffix("@odata.nextLink").unwrap();
        let name = if name.is_empty() { "value" } else { name };
        let mut next = members.remove(label);
        while let Some(link) = next {
            self.links += 1;
            assert!(self.links < MOST_LINKS, "the links have no end: {link}");
            let url = link.as_str().unwrap().strip_prefix(ROOT).unwrap().to_owned();
            let mut page = self.get(&format!("/{url}"), limits).await.unwrap();
            let rows = page["value"].as_array_mut().unwrap();
            assert!(!rows.is_empty(), "a link leads to nothing: {url}");
            members[name].as_array_mut().unwrap().append(rows);
            next = page.as_object_mut().unwrap().remove("@odata.nextLink");
        }
    }
}

fn far() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

impl Job for Read {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        _sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let Self { plan, bounds, first_token, outcome } = self;
        let mut read = Outcome::default();
        match plan {
            Plan::Entities(mut query) => {
                let count = match &query.count {
                    Some(statement) => Some(number(runner, statement).await?),
                    None => None,
                };
                if let Some(expansion) = &mut query.expansion {
                    expansion.bounds = bounds;
                }
                let Some(mut gathering) = query.gather() else {
                    let (mut written, mut more) = (0, false);
                    let mut body = query.encoder.start(&mut read.body, count);
                    let mut position = None;
                    let mut take = |row: &SourceRow<'_>| {
                        if written == query.page_limit {
                            more = true;
                            return ControlFlow::Break(());
                        }
                        body.row(&mut read.body, row);
                        written += 1;
                        position = Some(query.position_after(row, written));
                        ControlFlow::Continue(())
                    };
                    runner.query(&query.statement, &mut take).await?;
                    let link = position.filter(|_| more).map(|position| {
                        read.positions.push(position);
                        query.next_link(&format!("T{first_token}"))
                    });
                    body.finish(&mut read.body, link.as_deref());
                    read.statements = 1;
                    *outcome.lock().unwrap() = read;
                    return Ok(());
                };
                let others = query.expansion.as_ref().unwrap().statements();
                read.statements = gather(&mut gathering, &query.statement, others, runner).await?;
                link(&mut gathering, first_token, &mut read.positions);
                let next = query.position_of(&gathering).map(|position| {
                    read.positions.push(position);
                    query.next_link(&format!("T{}", first_token + read.positions.len() - 1))
                });
                let body = query.encoder.start(&mut read.body, count);
                gathering.write(&mut read.body);
                body.finish(&mut read.body, next.as_deref());
            }
            Plan::Entity(mut single) => {
                if let Some(expansion) = &mut single.expansion {
                    expansion.bounds = bounds;
                }
                one(&single, first_token, &mut read, runner).await?;
            }
            other => panic!("{other:?}"),
        }
        *outcome.lock().unwrap() = read;
        Ok(())
    }
}

/// Reads one entity, with those that are related to it if some are expanded.
async fn one<S: Statements>(
    single: &Single,
    first_token: usize,
    read: &mut Outcome,
    runner: &mut Runner<'_, S>,
) -> Result<(), SourceError> {
    let Some(mut gathering) = single.gather() else {
        let mut take = |row: &SourceRow<'_>| {
            single.encoder.entity(&mut read.body, row);
            ControlFlow::Break(())
        };
        runner.query(&single.statement, &mut take).await?;
        return Ok(());
    };
    let others = single.expansion.as_ref().unwrap().statements();
    read.statements = gather(&mut gathering, &single.statement, others, runner).await?;
    link(&mut gathering, first_token, &mut read.positions);
    gathering.write(&mut read.body);
    Ok(())
}

/// Runs the statements of all levels; returns how many there were.
async fn gather<S: Statements>(
    gathering: &mut Gathering<'_>,
    first: &Statement,
    others: &[Statement],
    runner: &mut Runner<'_, S>,
) -> Result<usize, SourceError> {
    let mut count = 0;
    for (level, statement) in std::iter::once(first).chain(others).enumerate() {
        if !gathering.is_needed(level) {
            continue;
        }
        count += 1;
        let mut take = |row: &SourceRow<'_>| match gathering.row(level, row) {
            Progress::Go => ControlFlow::Continue(()),
            Progress::Done => ControlFlow::Break(()),
            Progress::Misordered => panic!("{}", statement.sql),
        };
        runner.query(statement, &mut take).await?;
    }
    Ok(count)
}

fn link(gathering: &mut Gathering<'_>, first_token: usize, positions: &mut Vec<Position>) {
    for (level, position) in gathering.cuts().unwrap() {
        gathering.link(level, &format!("T{}", first_token + positions.len()));
        positions.push(position);
    }
}

async fn number<S: Statements>(
    runner: &mut Runner<'_, S>,
    statement: &Statement,
) -> Result<i64, SourceError> {
    let mut number = 0;
    let mut only = |row: &SourceRow<'_>| {
        if let Cell::Integer(count) = row.cell(0) {
            number = count;
        }
        ControlFlow::Break(())
    };
    runner.query(statement, &mut only).await?;
    Ok(number)
}

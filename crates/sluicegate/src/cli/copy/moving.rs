//! Copying, comparing and handing over, in an order that can be broken off anywhere.
//!
//! 1. The embedded database is taken alone, and remembers the number of the copy.
//! 2. The target takes the number, which keeps nodes out of it.
//! 3. Rows are copied in batches. Those that are there from before are compared first, and when one differs, because the
//!    old server ran in between, the tables are emptied.
//! 4. Every row is compared.
//! 5. The embedded database is marked as moved.
//! 6. The target is opened for use.
//!
//! Between 5 and 6 neither is served, and at no moment are both.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use store::columns::{Key, Row, TABLES, Table};
use store_postgres::DatabaseUrl;
use store_postgres::import::{Found, Import, fit};
use store_sqlite::Export;

use super::compare::difference;
use super::progress::{Stage, Step, Watch};

/// How long a command that works on the embedded database may take to end before it counts as a running server.
const OTHERS_END: Duration = Duration::from_secs(1);

/// How long a batch may take in the target, however slow it is.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is to be copied.
pub(super) struct Order<'a> {
    /// The embedded database.
    pub(super) path: &'a Path,
    /// The target.
    pub(super) url: &'a DatabaseUrl,
    /// How the target is spoken to.
    pub(super) options: store_postgres::Options,
    /// Rows in one batch.
    pub(super) batch: usize,
    /// The number of the copy, if it is a new one.
    pub(super) number: i32,
}

/// How it went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The installation is in the target.
    Moved(Report),
    /// It was there before.
    MovedBefore,
}

/// What was copied.
#[derive(Debug)]
pub(super) struct Report {
    /// Tables with their rows.
    pub(super) rows: Vec<(&'static str, u64)>,
    /// Texts that are not as they were, for the target cannot keep them.
    pub(super) replaced: u64,
}

/// Moves an installation up, or goes on with it.
///
/// # Errors
/// What is in the way, in a sentence.
pub(super) async fn move_up(order: &Order<'_>, watch: &mut impl Watch) -> anyhow::Result<Outcome> {
    let alone = store_sqlite::Options { busy_timeout: OTHERS_END, ..store_sqlite::Options::default() };
    let told = || format!("{} cannot be copied", order.path.display());
    let source = Export::open(order.path, alone).with_context(told)?;
    let patient = store_postgres::Options { patience: order.options.patience.max(PATIENCE), ..order.options };
    let told = || format!("nothing can be copied into the database {}", order.url.place());
    let target = Import::open(order.url, patient).await.with_context(told)?;
    let moved = source.has_moved()?;
    match (target.found().await.with_context(told)?, moved) {
        (Found::Installation, true) => return Ok(Outcome::MovedBefore),
        (Found::Unfinished(number), _) if number == source.copy_number()? => {}
        (Found::Nothing, false) => {
            source.begin_copy(order.number)?;
            target.begin(order.number).await.with_context(told)?;
        }
        (Found::Installation, false) => {
            bail!("{}: it holds an installation already; name an empty one", told())
        }
        (Found::Unfinished(_), false) => bail!(
            "{}: it holds the unfinished copy of another installation, or one that was begun before the last; name an empty \
             database",
            told()
        ),
        (Found::Nothing | Found::Unfinished(_), true) => {
            bail!(
                "{} was copied into another database before, and is not copied into a second one",
                order.path.display()
            )
        }
    }
    target.prepare().await.with_context(told)?;
    let copier = Copier::new(source, target, order.batch)?;
    copier.mark(Stage::Begun, watch)?;
    copier.copy(watch).await?;
    let report = copier.compare(watch).await?;
    copier.hand_over(watch).await?;
    Ok(Outcome::Moved(report))
}

struct Copier {
    source: Export,
    target: Import,
    batch: usize,
    /// Rows of all tables.
    all: u64,
}

/// How far one table has got.
#[derive(Clone)]
struct Position {
    after: Key,
    rows: u64,
}

impl Copier {
    fn new(source: Export, target: Import, batch: usize) -> anyhow::Result<Self> {
        let counts = TABLES.iter().map(|table| source.count(table));
        let all = counts.sum::<Result<u64, _>>().context("the embedded database cannot be read")?;
        Ok(Self { source, target, batch, all })
    }

    /// Tells of a step that is none of a table.
    fn mark(&self, stage: Stage, watch: &mut impl Watch) -> anyhow::Result<()> {
        watch.step(&Step { stage, table: "", rows: 0, through: true, done: 0, all: self.all })
    }

    async fn copy(&self, watch: &mut impl Watch) -> anyhow::Result<()> {
        let positions = self.positions(watch).await?;
        let mut done: u64 = positions.iter().map(|position| position.rows).sum();
        for (table, mut position) in TABLES.iter().zip(positions) {
            loop {
                let (rows, _) = self.read(table, &position.after, self.batch)?;
                let Some(last) = rows.last() else { break };
                let after = table.key_of(last)?;
                self.target.insert(table, &rows).await.with_context(|| interrupted(table))?;
                position = Position { after, rows: position.rows + rows.len() as u64 };
                done += rows.len() as u64;
                watch.step(&self.step(Stage::Copying, table, &position, done))?;
            }
            watch.step(&Step { through: true, ..self.step(Stage::Copying, table, &position, done) })?;
        }
        Ok(())
    }

    /// Where each table goes on: behind the rows that an interrupted copy has brought there.
    async fn positions(&self, watch: &mut impl Watch) -> anyhow::Result<Vec<Position>> {
        let mut positions = Vec::with_capacity(TABLES.len());
        let mut done = 0;
        for table in TABLES {
            let Some(position) = self.position(table, done, watch).await? else {
                watch
                    .note("the embedded database has changed since the copy was interrupted: it begins anew");
                self.target.empty().await?;
                return Ok(TABLES.iter().map(Position::first).collect());
            };
            done += position.rows;
            positions.push(position);
        }
        Ok(positions)
    }

    /// `None` when what is there is not how the embedded database begins.
    async fn position(
        &self,
        table: &'static Table,
        done: u64,
        watch: &mut impl Watch,
    ) -> anyhow::Result<Option<Position>> {
        let mut position = Position::first(table);
        loop {
            let theirs = self.target.window(table, &position.after, self.batch).await?;
            let Some(last) = theirs.last() else { return Ok(Some(position)) };
            let (ours, _) = self.read(table, &position.after, theirs.len())?;
            if difference(table, &ours, &theirs).is_some() {
                return Ok(None);
            }
            position = Position { after: table.key_of(last)?, rows: position.rows + theirs.len() as u64 };
            watch.step(&self.step(Stage::Resuming, table, &position, done + position.rows))?;
        }
    }

    /// Compares every row, both databases to their ends.
    async fn compare(&self, watch: &mut impl Watch) -> anyhow::Result<Report> {
        let mut report = Report { rows: Vec::new(), replaced: 0 };
        let mut done = 0;
        for table in TABLES {
            let mut position = Position::first(table);
            loop {
                let (ours, replaced) = self.read(table, &position.after, self.batch)?;
                let theirs = self.target.window(table, &position.after, self.batch).await?;
                if let Some(difference) = difference(table, &ours, &theirs) {
                    bail!(
                        "the copy is not the same: {difference}. Whatever wrote into the target must stop; then empty the \
                         database and copy again. The embedded database is as it was"
                    );
                }
                let Some(last) = ours.last() else { break };
                position = Position { after: table.key_of(last)?, rows: position.rows + ours.len() as u64 };
                report.replaced += replaced;
                done += ours.len() as u64;
                watch.step(&self.step(Stage::Comparing, table, &position, done))?;
            }
            if position.rows != self.source.count(table)? {
                bail!("{} has rows that no key leads to: the embedded database is damaged", table.name);
            }
            watch.step(&Step { through: true, ..self.step(Stage::Comparing, table, &position, done) })?;
            report.rows.push((table.name, position.rows));
        }
        Ok(report)
    }

    /// The embedded database is closed for ever first, so that the two are never served side by side.
    async fn hand_over(&self, watch: &mut impl Watch) -> anyhow::Result<()> {
        self.source.mark_as_moved()?;
        self.mark(Stage::Marked, watch)?;
        self.target.finish(|table| self.source.last_id(table)).await.context(
            "every row is there and compared, but the database could not be opened for use: run the command again",
        )
    }

    /// Rows as the target can keep them, and how many texts had to be changed for that.
    fn read(&self, table: &Table, after: &Key, limit: usize) -> anyhow::Result<(Vec<Row>, u64)> {
        let mut rows = self.source.window(table, after, limit)?;
        let mut replaced = 0;
        for row in &mut rows {
            replaced += fit(table, row)?;
        }
        Ok((rows, replaced))
    }

    fn step(&self, stage: Stage, table: &'static Table, position: &Position, done: u64) -> Step {
        Step { stage, table: table.name, rows: position.rows, through: false, done, all: self.all }
    }
}

impl Position {
    fn first(table: &Table) -> Self {
        Self { after: table.before_all(), rows: 0 }
    }
}

fn interrupted(table: &Table) -> String {
    format!("{} could not be copied further; run the command again, and it goes on", table.name)
}

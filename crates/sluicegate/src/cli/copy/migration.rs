//! Copies, compares and switches over, in an order that can be interrupted anywhere.
//!
//! 1. The embedded database is locked exclusively, and records the number of the copy.
//! 2. The target records the number, which keeps nodes from opening it.
//! 3. Rows are copied in batches. Rows of an earlier attempt are compared first; if one differs, because the
//!    old server ran in between, the tables are emptied.
//! 4. Every row is compared.
//! 5. The embedded database is marked as migrated.
//! 6. The target is opened for use.
//!
//! Between 5 and 6 neither database can be served, and at no time can both.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use store::columns::{Key, StoredRow, StoredTable, TABLES};
use store_postgres::DatabaseUrl;
use store_postgres::import::{Import, ImportTarget, fit};
use store_sqlite::Export;

use super::compare::difference;
use super::progress::{Stage, Step, Watch};

/// How long to wait for a command on the embedded database to end, before it counts as a running server.
const OTHERS_END: Duration = Duration::from_secs(1);

/// The maximum time for a batch in the target, however slow it is.
const PATIENCE: Duration = Duration::from_mins(1);

/// The parameters of a copy.
pub(crate) struct Order<'a> {
    /// The embedded database.
    pub(super) path: &'a Path,
    /// The target.
    pub(super) url: &'a DatabaseUrl,
    /// The connection options of the target.
    pub(super) options: store_postgres::Options,
    /// The number of rows in a batch.
    pub(super) batch: usize,
    /// The number for a copy that is new.
    pub(super) number: i32,
}

/// The result of a copy.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The installation is now in the target.
    Moved(Report),
    /// It had been migrated before.
    MovedBefore,
}

/// What was copied.
#[derive(Debug)]
pub(crate) struct Report {
    /// The tables with their numbers of rows.
    pub(super) rows: Vec<(&'static str, u64)>,
    /// Texts that were changed because the target cannot store them.
    pub(super) replaced: u64,
}

/// Migrates an installation to the target, or resumes an interrupted migration.
///
/// # Errors
/// A sentence that says what prevents it.
pub(super) async fn migrate_installation(
    order: &Order<'_>,
    watch: &mut impl Watch,
) -> anyhow::Result<Outcome> {
    let alone = store_sqlite::Options { busy_timeout: OTHERS_END, ..store_sqlite::Options::default() };
    let message = || format!("{} cannot be copied", order.path.display());
    let source = Export::open(order.path, alone).with_context(message)?;
    let patient = store_postgres::Options { patience: order.options.patience.max(PATIENCE), ..order.options };
    let message = || format!("nothing can be copied into the database {}", order.url.location());
    let target = Import::open(order.url, patient).await.with_context(message)?;
    let moved = source.has_moved()?;
    match (target.found().await.with_context(message)?, moved) {
        (ImportTarget::Installation, true) => return Ok(Outcome::MovedBefore),
        (ImportTarget::Unfinished(number), _) if number == source.copy_number()? => {}
        (ImportTarget::Nothing, false) => {
            source.begin_copy(order.number)?;
            target.begin(order.number).await.with_context(message)?;
        }
        (ImportTarget::Installation, false) => {
            bail!("{}: it already contains an installation; name an empty one", message())
        }
        (ImportTarget::Unfinished(_), false) => bail!(
            "{}: it contains the unfinished copy of another installation, or one that was started before the last; \
             name an empty \
             database",
            message()
        ),
        (ImportTarget::Nothing | ImportTarget::Unfinished(_), true) => {
            bail!(
                "{} was copied into another database before, and is not copied into a second one",
                order.path.display()
            )
        }
    }
    target.prepare().await.with_context(message)?;
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
    /// The number of rows in all tables.
    all: u64,
}

/// The progress in one table.
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

    /// Reports a step that belongs to no table.
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

    /// The key from which each table continues: after the rows that an interrupted copy has written.
    async fn positions(&self, watch: &mut impl Watch) -> anyhow::Result<Vec<Position>> {
        let mut positions = Vec::with_capacity(TABLES.len());
        let mut done = 0;
        for table in TABLES {
            let Some(position) = self.position(table, done, watch).await? else {
                watch.note(
                    "the embedded database has changed since the copy was interrupted: the copy starts again",
                );
                self.target.empty().await?;
                return Ok(TABLES.iter().map(Position::first).collect());
            };
            done += position.rows;
            positions.push(position);
        }
        Ok(positions)
    }

    /// `None` if the target's rows are not the first rows of the embedded database.
    async fn position(
        &self,
        table: &'static StoredTable,
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

    /// Compares every row, to the end of both databases.
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
                        "the copy is not the same: {difference}. Stop the program that wrote into the target; then empty the \
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
                bail!(
                    "{} has rows that its primary key does not find: the embedded database is damaged",
                    table.name
                );
            }
            watch.step(&Step { through: true, ..self.step(Stage::Comparing, table, &position, done) })?;
            report.rows.push((table.name, position.rows));
        }
        Ok(report)
    }

    /// Marks the embedded database as migrated first, so that the two are never served side by side.
    async fn hand_over(&self, watch: &mut impl Watch) -> anyhow::Result<()> {
        self.source.mark_as_moved()?;
        self.mark(Stage::Marked, watch)?;
        self.target.finish(|table| self.source.last_id(table)).await.context(
            "every row was copied and compared, but the database could not be opened for use: run the command again",
        )
    }

    /// Reads rows in the form in which the target can store them, and the number of texts that had to be
    /// changed.
    fn read(&self, table: &StoredTable, after: &Key, limit: usize) -> anyhow::Result<(Vec<StoredRow>, u64)> {
        let mut rows = self.source.window(table, after, limit)?;
        let mut replaced = 0;
        for row in &mut rows {
            replaced += fit(table, row)?;
        }
        Ok((rows, replaced))
    }

    fn step(&self, stage: Stage, table: &'static StoredTable, position: &Position, done: u64) -> Step {
        Step { stage, table: table.name, rows: position.rows, through: false, done, all: self.all }
    }
}

impl Position {
    fn first(table: &StoredTable) -> Self {
        Self { after: table.before_all(), rows: 0 }
    }
}

fn interrupted(table: &StoredTable) -> String {
    format!("{} could not be copied completely; run the command again to continue", table.name)
}

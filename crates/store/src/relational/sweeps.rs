//! Passes over the tables whose rows become invalid when an epoch advances. Such rows have no index, because it
//! would make every new grant slower. A pass continues from batch to batch, and starts only after an epoch has
//! advanced.

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::Impossible;

/// A table whose rows become invalid when an epoch advances.
#[derive(Debug)]
pub struct Swept {
    /// The id of its row in `sweeps`.
    id: i64,
    last: NamedStatement,
    window: NamedStatement,
    invalid: NamedStatement,
    delete: NamedStatement,
}

macro_rules! swept {
    ($id:literal, $table:literal) => {
        Swept {
            id: $id,
            last: NamedStatement::new(concat!("SELECT coalesce(max(id), 0) FROM ", $table)),
            window: NamedStatement::new(concat!(
                "SELECT max(id) FROM (SELECT id FROM ",
                $table,
                " WHERE id > :cursor AND id <= :until ORDER BY id LIMIT :window) AS w"
            )),
            invalid: NamedStatement::new(concat!(
                "SELECT t.id FROM ",
                $table,
                " t LEFT JOIN applications a ON a.id = t.application_id AND a.epoch = t.application_epoch
                LEFT JOIN users u ON u.id = t.user_id AND u.epoch = t.user_epoch
                WHERE t.id > :cursor AND t.id <= :end AND (a.id IS NULL OR u.id IS NULL)
                ORDER BY t.id LIMIT :room"
            )),
            delete: NamedStatement::new(concat!(
                "DELETE FROM ",
                $table,
                " WHERE id IN {each :ids} AND NOT (
                    EXISTS (SELECT 1 FROM applications a
                        WHERE a.id = application_id AND a.epoch = application_epoch)
                    AND EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.epoch = user_epoch))"
            )),
        }
    };
}

/// The grants.
pub static GRANTS: Swept = swept!(1, "grants");
/// The consents.
pub static CONSENTS: Swept = swept!(2, "consents");

/// The progress of a pass over a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPass {
    /// Which request the pass answers.
    started: i64,
    /// The last id that was read.
    cursor: i64,
    /// The last id that is to be read.
    until: i64,
}

impl SweepPass {
    /// Whether there are ids left to read.
    pub fn continues(&self) -> bool {
        self.cursor < self.until
    }

    /// Moves past a window that ends at `end`. If it `filled` the room, rows may be left after the last one found.
    fn advance(&mut self, end: Option<i64>, last_found: Option<i64>, filled: bool) {
        let end = end.unwrap_or(self.until);
        self.cursor = last_found.filter(|_| filled).unwrap_or(end);
    }
}

impl Record for SweepPass {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { started: row.read()?, cursor: row.read()?, until: row.read()? })
    }
}

/// The last request for a pass, and the pass that was last running.
struct Progress {
    requested: i64,
    pass: SweepPass,
}

impl Record for Progress {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { requested: row.read()?, pass: row.record()? })
    }
}

/// Requests a pass, after an epoch has advanced or its subject was deleted.
pub(super) async fn request<S: SqlTransaction>(db: &S) -> Read<(), S> {
    static REQUEST: NamedStatement = NamedStatement::new("UPDATE sweeps SET requested = requested + 1");
    db.execute(&REQUEST, values! {}).await.map(drop)
}

/// The pass that is running or about to start, if any.
pub async fn due<S: SqlTransaction>(db: &S, table: &'static Swept) -> Read<Option<SweepPass>, S> {
    static PROGRESS: NamedStatement =
        NamedStatement::new("SELECT requested, started, cursor, until FROM sweeps WHERE id = :id");
    let Some(Progress { requested, pass }) = db.find(&PROGRESS, values! { id: table.id }).await? else {
        return Ok(None);
    };
    if pass.continues() || pass.started == requested {
        return Ok(Some(pass).filter(SweepPass::continues));
    }
    let until = db.value(&table.last, values! {}).await?;
    Ok(Some(SweepPass { started: requested, cursor: 0, until }))
}

/// Reads one window of rows, finds at most `room` invalid ones among them, and moves the pass past what it read.
pub async fn read_window<S: SqlTransaction>(
    db: &S,
    table: &'static Swept,
    pass: &mut SweepPass,
    window: i64,
    room: i64,
) -> Read<Vec<i64>, S> {
    let SweepPass { cursor, until, .. } = *pass;
    let end: Option<i64> = db.value(&table.window, values! { cursor, until, window }).await?;
    let row = values! { cursor, end: end.unwrap_or(until), room };
    let invalid: Vec<i64> = db.list(&table.invalid, row).await?;
    let filled = i64::try_from(invalid.len()).is_ok_and(|found| found == room);
    pass.advance(end, invalid.last().copied(), filled);
    Ok(invalid)
}

/// Deletes the rows that a pass has found and that are still invalid, stores how far it came, and returns how many were
/// deleted.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    table: &'static Swept,
    pass: SweepPass,
    ids: &[i64],
) -> Read<u64, S> {
    static REMEMBER: NamedStatement = NamedStatement::new(
        "UPDATE sweeps SET started = :started, cursor = :cursor, until = :until WHERE id = :id",
    );
    let SweepPass { started, cursor, until } = pass;
    db.execute(&REMEMBER, values! { started, cursor, until, id: table.id }).await?;
    db.execute(&table.delete, values! { ids }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_stops_at_the_last_row_found_if_there_is_no_room_for_more() {
        let begun = SweepPass { started: 1, cursor: 0, until: 100 };
        let after = |end, last_found, filled| {
            let mut pass = begun;
            pass.advance(end, last_found, filled);
            pass.cursor
        };
        assert_eq!(after(Some(50), Some(30), false), 50);
        assert_eq!(after(Some(50), Some(30), true), 30);
        assert_eq!(after(None, None, false), 100, "no row is left");
        assert!(begun.continues() && !SweepPass { cursor: 100, ..begun }.continues());
    }
}

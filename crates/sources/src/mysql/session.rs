//! The settings of a session, with which statements give the same answers on every server.

use std::time::Duration;

use super::greeting::Product;
use crate::driver::Intent;

/// The settings that both servers have. Zero is a number like any other in a column that counts. Statements sort by up to 64 KiB of a text, for which the buffer
/// must have room. `wait_timeout` ends a session that this server has forgotten.
const SETTINGS: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_bin, time_zone = '+00:00', \
     sql_mode = 'STRICT_ALL_TABLES,NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO', sql_auto_is_null = 0, sql_big_selects = 1, \
     sql_select_limit = DEFAULT, div_precision_increment = 20, max_sort_length = 65536, \
     sort_buffer_size = GREATEST(@@sort_buffer_size, 2097152), \
     lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, wait_timeout = 120";

/// Nothing can be written, and all statements of a transaction see the same data.
const TRANSACTIONS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// What a transaction that changes something has read is locked until its end.
const CHANGES: &str = "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE";

/// The statements that a session starts with.
pub(super) const fn start(intent: Intent) -> [&'static str; 2] {
    match intent {
        Intent::Read => [SETTINGS, TRANSACTIONS],
        Intent::Change => [SETTINGS, CHANGES],
    }
}

/// The start of a transaction. One that only reads takes its snapshot at once. One that changes something forgets the number that
/// an earlier one was given, because a trigger may give the next row a number of its own.
pub(super) const fn begin(intent: Intent) -> &'static [&'static str] {
    match intent {
        Intent::Read => &["START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"],
        Intent::Change => &["SET last_insert_id = 0", "START TRANSACTION READ WRITE"],
    }
}

pub(super) const COMMIT: &str = "COMMIT";

pub(super) const END: &str = "ROLLBACK";

/// Sets the time limit of statements: seconds in MariaDB, milliseconds in MySQL, where it counts for queries.
pub(super) fn limit(product: Product, seconds: u64) -> String {
    match product {
        Product::MariaDb => format!("SET SESSION max_statement_time = {seconds}"),
        Product::MySql => format!("SET SESSION max_execution_time = {}", seconds.saturating_mul(1000)),
    }
}

/// Stops the statement that runs on another connection.
pub(super) fn stop(thread: u32) -> String {
    format!("KILL QUERY {thread}")
}

/// Whole seconds, rounded up, so that the limit rarely changes from request to request. Zero would mean none.
pub(super) fn whole_seconds(limit: Duration) -> u64 {
    let seconds = limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0));
    seconds.clamp(1, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_time_limit() {
        assert_eq!(limit(Product::MariaDb, 31), "SET SESSION max_statement_time = 31");
        assert_eq!(limit(Product::MySql, 31), "SET SESSION max_execution_time = 31000");
    }

    #[test]
    fn a_limit_is_rounded_up_to_seconds_and_never_zero() {
        for (milliseconds, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (30_500, 31)] {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), 1_000_000);
    }
}

//! Indexes serve what they can: keys, comparisons, prefixes, orders and pages after a position.

use super::columns::sample;
use super::database::Mysql;

/// The database with so many rows that an index is worth while.
fn database() -> Mysql {
    let sample = sample(11, 40);
    let more = "INSERT INTO T (id, i, n, s, u, r, x, hour, at, lo, f, d, g, day)
        SELECT 1000 + seq, seq % 7, seq, CONCAT('s', seq), CONCAT('u', seq), seq, 1, '00:00',
            '2024-01-01' + INTERVAL seq HOUR, '2024-01-01' + INTERVAL seq HOUR, seq, seq, UUID(), '2024-01-01' + INTERVAL seq DAY
        FROM seq_1_to_20000;
        ANALYZE TABLE T;";
    Mysql::new(&format!("{}{more}", sample.sql), vec![sample.table()])
}

#[test]
fn an_index_serves_keys_comparisons_orders_and_pages() {
    let database = database();
    for (query, after) in [
        ("/T?$filter=n eq 5", false),
        ("/T?$filter=n gt 19990 and n lt 19995.5", false),
        ("/T?$filter=n in (1,2,3)", false),
        ("/T?$filter=s eq 's77'", false),
        ("/T?$filter=s in ('s77','s78')", false),
        ("/T?$filter=u gt 'u9998'", false),
        ("/T?$filter=startswith(u,'u999')", false),
        ("/T?$filter=startswith(s,'s999')", false),
        ("/T?$filter=at ge 2026-01-01T00:00:00.0000001Z and at lt 2026-01-01T10:00:00Z", false),
        ("/T?$filter=lo eq 2024-05-01T10:00:00Z", false),
        ("/T?$filter=at in (2024-05-01T10:00:00Z,2024-05-01T11:00:00Z)", false),
        ("/T?$filter=d gt 19990", false),
        ("/T?$filter=d eq 17e0", false),
        ("/T?$filter=f gt 19990", false),
        ("/T?$filter=r eq 17", false),
        ("/T?$filter=day eq 2030-01-01", false),
        ("/T?$filter=g eq 01234567-89ab-4def-8123-456789abcdef", false),
        ("/T?$orderby=u", false),
        ("/T?$orderby=u", true),
        ("/T?$orderby=n", false),
        ("/T?$orderby=n", true),
        ("/T?$orderby=n desc", false),
        ("/T?$orderby=n desc", true),
        ("/T?$orderby=d desc", true),
        ("/T?$orderby=r", false),
        ("/T?$orderby=r", true),
        ("/T", true),
    ] {
        let steps = database.explained(&query.replace(' ', "%20"), after);
        let reads = |step: &&String| step.contains(" T ") || step.starts_with("T ");
        let is_served = |step: &&String| !step.contains(" ALL ");
        let of_table: Vec<&String> = steps.iter().filter(reads).collect();
        assert!(!of_table.is_empty() && of_table.iter().all(is_served), "{query} ({after})\n{steps:?}");
    }
}

//! How much memory short requests make a process keep.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use testkit::{ADMIN, Installation, Served, USER, Wire};

const MIB: u64 = 1024 * 1024;

/// The server's resident memory in bytes.
fn resident(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// A filter of about 27 KB around one long literal, in nested functions that use their operand several times.
/// Each number gives a different filter, and therefore a different plan.
fn hostile(function: &str, number: usize) -> String {
    let literal = format!("%27{number}{}%27", "a".repeat(26_000));
    let nest = (0..12).fold(format!("concat(Name,{literal})"), |inner, _| function.replace('x', &inner));
    format!("/api/odata4/shop/Items?$filter=length({nest})%20gt%201&$top=1")
}

#[test]
fn plans_with_long_literals_use_little_memory() {
    let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
    let path = installation.folder().join("shop.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    let made =
        "CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Items VALUES (1, 'rope');";
    database.execute_batch(made).unwrap();
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let source =
        json!({"name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
    let created = wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
    assert_eq!(created.status, 201, "{created:?}");
    let functions = ["trim(x)", "substring(x,1)", "tolower(x)", "concat(x,%27b%27)"];
    let ask = |number: usize| {
        for function in functions {
            let status = wire.get(&hostile(function, number), Some(&USER)).unwrap().status;
            assert!([200, 400].contains(&status.as_u16()), "{function}: {status}");
        }
    };
    // The first request allocates what is allocated only once.
    ask(0);
    let before = resident(&served);
    for number in 1..=100 {
        ask(number);
    }
    // Cached plans may use 16 MiB in total; the rest is kept by the allocator.
    let grown = resident(&served).saturating_sub(before);
    assert!(grown < 64 * MIB, "400 requests of 27 KB pin {} MiB", grown / MIB);
}

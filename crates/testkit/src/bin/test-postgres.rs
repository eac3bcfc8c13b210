//! A PostgreSQL server that runs while standard input stays open: `cargo run --package testkit --bin
//! test-postgres`.
//!
//! It prints the URL of an empty database and the folder of the server, and leaves nothing behind however it
//! ends.
#![expect(clippy::print_stdout, reason = "it speaks to a terminal")]

use std::io::Read;

use testkit::postgres::{PostgresServer, PostgresSettings};

fn main() {
    let server = PostgresServer::start(&PostgresSettings { durable: true, ..PostgresSettings::default() });
    let database = server.create_database();
    println!("{}\n{}", database.url(), server.data_folder().display());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

//! PostgreSQL.

mod cells;
mod columns;
mod database;
mod indexes;
mod values;

use crate::random;
use columns::sample;
use database::Postgres;

#[test]
fn random_requests_give_the_rows_that_the_standard_says() {
    let sample = sample(7, random::ROWS);
    let database = Postgres::new(&sample.sql, vec![sample.table()]);
    random::give_the_rows_that_the_standard_says(&database, &sample);
}

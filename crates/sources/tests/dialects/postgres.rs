//! PostgreSQL.

mod cells;
mod columns;
mod database;
mod indexes;
mod values;

use crate::{derived, random, related, ruled, search};
use columns::sample;
use database::Postgres;

#[test]
fn random_requests_give_the_rows_that_the_standard_says() {
    let sample = sample(7, random::ROWS);
    let database = Postgres::new(&sample.sql, vec![sample.table()]);
    random::give_the_rows_that_the_standard_says(&database, &sample);
}

#[test]
fn random_searches_find_in_postgresql_the_rows_that_contain_them() {
    let sample = sample(5, random::ROWS);
    search::find_the_rows_that_contain_them(&Postgres::new(&sample.sql, vec![sample.table()]), &sample);
}

#[test]
fn only_reached_rows_are_read_and_make_requests_fail() {
    let mut sample = sample(13, random::ROWS);
    let database = Postgres::new(&sample.sql, vec![sample.table()]);
    ruled::only_reached_rows_are_read(&database, &sample);
    ruled::hidden_rows_make_no_request_fail(&database, &sample);
    ruled::masked_values_decide_about_nothing(&database, &mut sample);
}

#[test]
fn random_groups_are_in_postgresql_what_the_standard_says() {
    let sample = sample(11, derived::ROWS);
    let database = Postgres::new(&sample.sql, vec![sample.table()]);
    derived::give_what_the_standard_says(&database, &sample);
}

#[test]
fn groups_by_related_entities_are_right_in_postgresql() {
    let database = Postgres::new(&related::sql('"'), related::tables());
    related::group_as_the_standard_says(&database);
    related::derived_rows_are_what_the_standard_says(&database);
    ruled::rules_follow_navigation(&database);
    ruled::the_end_of_a_masked_text_is_read(&database);
}

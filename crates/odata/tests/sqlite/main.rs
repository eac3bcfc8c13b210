//! Plans run on a real database: the result of the generated SQL is compared with what OData requires.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod aliases;
mod arithmetic;
mod bodies;
mod budget;
mod changes;
mod cross_joins;
mod database;
mod derived;
mod expand;
mod forms;
mod indexes;
mod injection;
mod keys;
mod names;
mod navigation;
mod null_logic;
mod paging;
mod rules;
mod search;
mod sequences;
mod shown_text;
mod soup;
mod stored;
mod values;

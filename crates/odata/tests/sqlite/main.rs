//! Plans run on a real database: what the emitted SQL gives is compared with what OData says it must.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod arithmetic;
mod bodies;
mod budget;
mod database;
mod forms;
mod indexes;
mod injection;
mod keys;
mod names;
mod null_logic;
mod paging;
mod shown_text;
mod soup;
mod stored;
mod values;

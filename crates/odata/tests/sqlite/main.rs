//! Plans run on a real database: what the emitted SQL gives is compared with what OData says it must.

mod bodies;
mod database;
mod injection;
mod null_logic;
mod paging;
mod values;

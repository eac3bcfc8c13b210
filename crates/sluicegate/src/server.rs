//! The accept loop: it accepts connections, passes requests to the HTTP service, and shuts down in order.

mod accept;
mod addresses;
mod any_client;
mod body;
mod budget;
mod certificate;
mod connection;
mod idle;
mod signals;
mod streams;
mod timeout_stream;
mod tls;

pub(crate) use accept::{Bound, Endpoint, bind};
pub(crate) use connection::Limits;
pub(crate) use signals::{Signals, Stop};
pub(crate) use tls::{Tls, read_file};

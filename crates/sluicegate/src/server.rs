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

pub(crate) use accept::{BoundListener, Endpoint, bind};
pub(crate) use connection::ConnectionLimits;
pub(crate) use signals::{Signals, StopSignal};
pub(crate) use tls::{ServerTls, excessive_permissions, read_file};

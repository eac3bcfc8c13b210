//! The accept loop: connections in, requests to the web service, and an orderly end.

mod accept;
mod body;
mod connection;
mod patient;
mod signals;
mod tls;

pub(crate) use accept::bind;
pub(crate) use connection::Limits;
pub(crate) use signals::{Signals, Stop};
pub(crate) use tls::Tls;

//! The accept loop: connections in, requests to the web service, and an orderly end.

mod accept;
mod addresses;
mod body;
mod budget;
mod certificate;
mod connection;
mod idle;
mod patient;
mod signals;
mod streams;
mod tls;

pub(crate) use accept::{Bound, Endpoint, bind};
pub(crate) use connection::Limits;
pub(crate) use signals::{Signals, Stop};
pub(crate) use tls::Tls;

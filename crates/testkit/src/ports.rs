//! Ports of the loopback address for what must come back at the same place.

use std::net::TcpListener;
use std::ops::Range;

use crate::random::Random;

/// Below those that the kernel gives to outgoing connections: a port of ours that nobody listens on for a moment is
/// still free afterwards.
const PORTS: Range<u64> = 20_000..32_000;

/// A port on which nothing listens.
pub(crate) fn free_port(random: &mut Random) -> u16 {
    loop {
        let port = PORTS.start + random.below(PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("the range lies below");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

//! Ports of the loopback address for servers that must come back at the same address.

use std::net::TcpListener;
use std::ops::Range;

use crate::random::Random;

/// Below the ports that the kernel assigns to outgoing connections, so that a port on which we do not listen
/// for a while is still free afterwards.
const PORTS: Range<u64> = 20_000..32_000;

/// Finds a port on which nothing listens.
pub(crate) fn free_port(random: &mut Random) -> u16 {
    loop {
        let port = PORTS.start + random.below(PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("the range lies below");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

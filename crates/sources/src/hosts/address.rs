//! Addresses that lead to the machine itself or to its infrastructure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 address that an IPv6 address stands for, if it stands for one: an IPv4-mapped one, and one that a
/// translator maps ([RFC 6052 §2.1](https://www.rfc-editor.org/rfc/rfc6052#section-2.1)).
pub(super) fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [first, second, .., high, low] = v6.segments();
    let is_translated = first == 0x64 && second == 0xff9b && v6.segments()[2..6] == [0; 4];
    if is_translated {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    address.to_canonical()
}

/// Whether an address is never meant by a name alone: those of the machine itself, of its own link, of no single
/// machine, and those at which clouds serve credentials.
pub(super) fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    /// Where Alibaba Cloud serves credentials; other clouds use link-local addresses.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    let [first, ..] = address.octets();
    address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        // This network ([RFC 791 §3.2](https://www.rfc-editor.org/rfc/rfc791#section-3.2)), and what is reserved.
        || first == 0
        || first >= 240
        || address == METADATA
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    /// Where Amazon's cloud serves credentials.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let [first, ..] = address.segments();
    // Addresses that contain IPv4 ones: compatible ones, and those of 6to4 and Teredo.
    let contains_v4 =
        address.segments()[..6] == [0; 6] || first == 0x2002 || address.segments()[..2] == [0x2001, 0];
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || contains_v4
        || address == METADATA
}

//! Special-use addresses: those that no stranger may make the server connect to ([RFC
//! 6890](https://www.rfc-editor.org/rfc/rfc6890) and the registries that it created).
//!
//! Of IPv6 only what is allocated for global unicast is left. Everything that contains an IPv4 address is refused,
//! whichever address it contains.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why the server does not connect to an address that a stranger has named; `None` if the address is public.
pub fn special_use(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => special_use_v4(v4),
        IpAddr::V6(v6) => special_use_v6(v6),
    }
}

/// Whether an address is one of the machine itself.
pub fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback()
}

/// An entry of a registry: the address, the length of its prefix, the use.
type Entry<A> = (A, u32, &'static str);

const fn v4(octets: [u8; 4], prefix: u32, usage: &'static str) -> Entry<Ipv4Addr> {
    let [a, b, c, d] = octets;
    (Ipv4Addr::new(a, b, c, d), prefix, usage)
}

/// The [IANA IPv4 Special-Purpose Address
/// Registry](https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml), multicast,
/// and an address that a cloud keeps for itself.
const V4: &[Entry<Ipv4Addr>] = &[
    v4([0, 0, 0, 0], 8, "this network"),
    v4([10, 0, 0, 0], 8, "private use"),
    v4([100, 64, 0, 0], 10, "shared address space"),
    v4([127, 0, 0, 0], 8, "loopback"),
    v4([169, 254, 0, 0], 16, "link-local"),
    v4([172, 16, 0, 0], 12, "private use"),
    v4([192, 0, 0, 0], 24, "protocol assignments"),
    v4([192, 0, 2, 0], 24, "documentation"),
    v4([192, 31, 196, 0], 24, "AS112"),
    v4([192, 52, 193, 0], 24, "AMT"),
    v4([192, 88, 99, 0], 24, "6to4 relays"),
    v4([192, 168, 0, 0], 16, "private use"),
    v4([192, 175, 48, 0], 24, "AS112"),
    v4([198, 18, 0, 0], 15, "benchmarking"),
    v4([198, 51, 100, 0], 24, "documentation"),
    v4([203, 0, 113, 0], 24, "documentation"),
    v4([224, 0, 0, 0], 4, "multicast"),
    v4([240, 0, 0, 0], 4, "reserved"),
    // Where Azure serves the agents of its machines.
    v4([168, 63, 129, 16], 32, "a cloud's own"),
];

/// Global unicast ([RFC 4291 §2.4](https://www.rfc-editor.org/rfc/rfc4291#section-2.4), allocated by IANA).
const GLOBAL: Entry<Ipv6Addr> = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, "global unicast");

/// What the [IANA IPv6 Special-Purpose Address
/// Registry](https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml) takes out of
/// it.
const V6: &[Entry<Ipv6Addr>] = &[
    // Among them Teredo, benchmarking and ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, "AS112"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
];

fn special_use_v4(address: Ipv4Addr) -> Option<&'static str> {
    V4.iter().find(|entry| covers_v4(entry, address)).map(|(.., usage)| *usage)
}

fn special_use_v6(address: Ipv6Addr) -> Option<&'static str> {
    if !covers_v6(&GLOBAL, address) {
        return Some(outside_of_global_unicast(address));
    }
    V6.iter().find(|entry| covers_v6(entry, address)).map(|(.., usage)| *usage)
}

fn outside_of_global_unicast(address: Ipv6Addr) -> &'static str {
    let [first, second, ..] = address.segments();
    match first {
        0 if address.is_loopback() => "loopback",
        0 => "an IPv4 address inside an IPv6 address",
        0x64 if second == 0xff9b => "translation from IPv4",
        0xfc00..=0xfdff => "unique local",
        0xfe80..=0xfebf => "link-local",
        0xff00.. => "multicast",
        _ => "reserved",
    }
}

fn covers_v4((network, prefix, _): &Entry<Ipv4Addr>, address: Ipv4Addr) -> bool {
    (network.to_bits() ^ address.to_bits()).leading_zeros() >= *prefix
}

fn covers_v6((network, prefix, _): &Entry<Ipv6Addr>, address: Ipv6Addr) -> bool {
    (network.to_bits() ^ address.to_bits()).leading_zeros() >= *prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_special(address: &str) -> bool {
        special_use(address.parse().unwrap()).is_some()
    }

    #[test]
    fn special_use_addresses_of_ipv4_are_refused_to_their_borders() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("168.63.129.16", "168.63.129.16"),
        ] {
            assert!(is_special(first) && is_special(last), "{first} to {last}");
        }
    }

    #[test]
    fn neighbours_of_special_use_addresses_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.15",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert!(!is_special(address), "{address}");
        }
    }

    #[test]
    fn special_use_addresses_of_ipv6_are_refused() {
        for address in [
            "::",
            "::1",
            "::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
            "2001:db8::1",
            "3fff::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "4000::1",
            "e000::",
        ] {
            assert!(is_special(address), "{address}");
        }
    }

    #[test]
    fn an_address_that_contains_one_of_ipv4_is_refused_whichever_it_contains() {
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        ] {
            assert!(is_special(address), "{address}");
        }
    }
}

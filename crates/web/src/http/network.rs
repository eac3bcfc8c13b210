//! Networks of addresses, as an operator writes them.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.0.0.0/8` or `2001:db8::/32`; a single address is a network that contains only
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    /// The number of leading bits that all addresses share.
    prefix: u8,
}

/// The number of bits in an IPv6 address that identify one subscriber line.
const SUBSCRIBER: u8 = 64;

impl AddressRange {
    /// Whether the network contains the address. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    /// The address that represents one subscriber line: an IPv4 address, or the /64 of an IPv6 address.
    pub fn of_subscriber(address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            address @ IpAddr::V6(_) => masked(address, SUBSCRIBER),
        }
    }
}

/// Whether the text is the network of all addresses of a kind, such as `0.0.0.0/0`, which is not a valid
/// [`AddressRange`].
pub fn is_everybody(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(prefix)) = (address.parse::<IpAddr>(), prefix.parse::<u8>()) else { return false };
    bits(address) - bits(address.to_canonical()) == prefix
}

impl FromStr for AddressRange {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let given = match prefix {
            None => bits(address),
            // `u8` would take "+8".
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        let canonical = address.to_canonical();
        let prefix = given.checked_sub(bits(address) - bits(canonical)).ok_or(NotANetwork)?;
        let network = Self { address: canonical, prefix };
        let fits = (1..=bits(canonical)).contains(&prefix) && masked(canonical, prefix) == canonical;
        if fits { Ok(network) } else { Err(NotANetwork) }
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.prefix == bits(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

/// The text is not a network: not an address, with bits after the prefix, or of all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no network")]
pub struct NotANetwork;

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with zeros after the prefix.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<AddressRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        assert!(holds("10.0.0.0/8", "10.255.1.2") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.1.1"), "an IPv4 network that is written as IPv6");
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"), "an IPv4 address that is written as IPv6");
        assert!(!holds("::/1", "10.0.0.1"), "IPv4 is no part of IPv6");
    }

    #[test]
    fn a_text_that_is_not_a_network_is_refused() {
        let bad = [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "::/129",
            "a/8",
            "10/8",
        ];
        for text in bad {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
        for everybody in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
            assert!(everybody.parse::<AddressRange>().is_err(), "{everybody}");
        }
        for text in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
    }
}

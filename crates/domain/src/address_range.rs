//! Ranges of addresses, as an operator writes them.

use core::net::IpAddr;
use std::str::FromStr;

/// The addresses from one to another, such as those of the network `10.0.0.0/8` or `2001:db8::/32`. IPv4 addresses that are
/// written as IPv6 count as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// The number of bits in an IPv6 address that identify one subscriber line.
const SUBSCRIBER: u8 = 64;

impl AddressRange {
    /// The addresses from `first` to `last`; `None` if they are of two kinds, or in the wrong order.
    pub fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        let range = Self { first: first.to_canonical(), last: last.to_canonical() };
        let is_one = range.first.is_ipv4() == range.last.is_ipv4() && range.first <= range.last;
        is_one.then_some(range)
    }

    /// The first address.
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether the address is one of them. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        // Addresses of the other kind are before or after all of these.
        self.first <= address && address <= self.last
    }

    /// The address that represents one subscriber line: an IPv4 address, or the /64 of an IPv6 address.
    pub fn of_subscriber(address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            address @ IpAddr::V6(_) => masked(address, SUBSCRIBER),
        }
    }

    /// The number of leading bits that all addresses share, if they are those of a network.
    fn prefix(&self) -> Option<u8> {
        let all = bits(self.first);
        (1..=all).find(|prefix| {
            masked(self.first, *prefix) == self.first && filled(self.first, *prefix) == self.last
        })
    }
}

/// Whether the text is the network of all addresses of a kind, such as `0.0.0.0/0`, which is not a valid
/// [`AddressRange`].
pub fn is_everybody(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(prefix)) = (address.parse::<IpAddr>(), prefix.parse::<u8>()) else { return false };
    bits(address) - bits(address.to_canonical()) == prefix
}

/// A network, or a single address.
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
        let fits = (1..=bits(canonical)).contains(&prefix) && masked(canonical, prefix) == canonical;
        // A network of IPv6 that ends among the addresses that stand for IPv4 is of two kinds.
        let range = Self::between(canonical, filled(canonical, prefix));
        range.filter(|_| fits).ok_or(NotANetwork)
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.prefix() {
            _ if self.first == self.last => write!(f, "{}", self.first),
            Some(prefix) => write!(f, "{}/{prefix}", self.first),
            None => write!(f, "{} to {}", self.first, self.last),
        }
    }
}

/// The text is not a network: not an address, with bits after the prefix, of all addresses, or of both kinds.
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
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() & mask_of_v4(prefix)).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & mask_of_v6(prefix)).into()),
    }
}

/// The address with ones after the prefix.
fn filled(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() | !mask_of_v4(prefix)).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() | !mask_of_v6(prefix)).into()),
    }
}

fn mask_of_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn mask_of_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
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
        assert!(!holds("128.0.0.0/1", "::1") && !holds("128.0.0.0/1", "ffff::1"), "nor is IPv6 of IPv4");
    }

    #[test]
    fn a_range_contains_its_ends_and_what_is_between() {
        let between =
            |first: &str, last: &str| AddressRange::between(first.parse().unwrap(), last.parse().unwrap());
        let range = between("192.0.2.7", "::ffff:192.0.3.1").unwrap();
        for (address, is_in) in [
            ("192.0.2.6", false),
            ("192.0.2.7", true),
            ("::ffff:192.0.2.255", true),
            ("192.0.3.1", true),
            ("192.0.3.2", false),
            ("::c000:207", false),
        ] {
            assert_eq!(range.contains(address.parse().unwrap()), is_in, "{address}");
        }
        assert_eq!(range.to_string(), "192.0.2.7 to 192.0.3.1");
        assert_eq!(between("10.0.0.0", "10.255.255.255").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(between("192.0.2.7", "192.0.2.6"), None);
        assert_eq!(between("192.0.2.7", "2001:db8::1"), None);
    }

    #[test]
    fn every_network_is_a_range_between_its_ends() {
        let addresses =
            ["::", "::ffff:0:0", "::fffe:0:0", "::1:0:0:0", "10.0.0.0", "128.0.0.0", "8000::", "::fffc:0:0"];
        let mut networks = 0;
        for (address, prefix) in
            addresses.iter().flat_map(|address| (0..=128).map(move |prefix| (address, prefix)))
        {
            let Ok(range) = format!("{address}/{prefix}").parse::<AddressRange>() else { continue };
            let read = |end: IpAddr| end.to_string().parse().unwrap();
            assert_eq!(
                AddressRange::between(read(range.first()), read(range.last())),
                Some(range),
                "{address}/{prefix}"
            );
            networks += 1;
        }
        assert!(networks > 300, "{networks}");
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
        for both in ["::/80", "::8000:0:0/81", "::fffe:0:0/95", "::fffc:0:0/94"] {
            assert!(both.parse::<AddressRange>().is_err(), "{both}");
        }
        for text in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
    }
}

//! One rule of the list of hosts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::address::unwrapped;

/// A text that is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a host; write a name (db.example.com), the names below one (*.example.com), an address (10.0.0.5) or \
     a network (10.0.0.0/8), each with or without a port (db.example.com:5432, [fd00::5]:5432)"
)]
pub struct HostRuleError(String);

/// A host, or several, on one port or on all: a name (`db.example.com`), the names below one
/// (`*.example.com`), an address (`10.0.0.5`, `fd00::5`) or a network (`10.0.0.0/8`), each with a port
/// (`db.example.com:5432`, `[fd00::5]:5432`) or for every port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    pattern: Pattern,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// A name in lower case.
    Name(String),
    /// A suffix in lower case, with its leading dot.
    Below(String),
    /// A network: the bits of its address that count.
    Network(IpAddr, u8),
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, HostRuleError> {
        let parsed = split_port(text).and_then(|(host, port)| Some(Self { pattern: pattern(host)?, port }));
        parsed.ok_or_else(|| HostRuleError(text.chars().take(64).collect()))
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pattern, self.port) {
            (Pattern::Network(IpAddr::V6(_), _), Some(port)) => {
                write!(formatter, "[{}]:{port}", self.pattern)
            }
            (pattern, Some(port)) => write!(formatter, "{pattern}:{port}"),
            (pattern, None) => pattern.fmt(formatter),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Below(suffix) => write!(formatter, "*{suffix}"),
            Self::Network(address @ IpAddr::V4(_), 32) | Self::Network(address @ IpAddr::V6(_), 128) => {
                address.fmt(formatter)
            }
            Self::Network(address, bits) => write!(formatter, "{address}/{bits}"),
        }
    }
}

impl HostRule {
    pub(super) fn is_for(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    pub(super) fn is_network(&self) -> bool {
        matches!(self.pattern, Pattern::Network(..))
    }

    /// Whether the rule allows the host by its name.
    pub(super) fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        match &self.pattern {
            Pattern::Name(name) => *name == host,
            Pattern::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Pattern::Network(..) => false,
        }
    }

    /// Whether the rule allows the address itself.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let Pattern::Network(network, bits) = &self.pattern else { return false };
        match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(*network) ^ u32::from(address);
                u32::from(*bits) <= differing.leading_zeros()
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(*network) ^ u128::from(address);
                u32::from(*bits) <= differing.leading_zeros()
            }
            _ => false,
        }
    }
}

/// The host and the port after it. An IPv6 address with a port is in brackets.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':')?)?) };
        return Some((host, port));
    }
    match text.split_once(':') {
        Some((host, after)) if !after.contains(':') => Some((host, Some(port(after)?))),
        // No colon, or an IPv6 address.
        _ => Some((text, None)),
    }
}

fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_plain && *port > 0)
}

fn pattern(host: &str) -> Option<Pattern> {
    let (address, bits) = match host.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (host, None),
    };
    if let Ok(address) = address.parse::<IpAddr>() {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= longest)?,
            None => longest,
        };
        return Some(network(address, bits));
    }
    if bits.is_some() {
        return None;
    }
    let (below, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if !is_name(&name) {
        return None;
    }
    Some(if below { Pattern::Below(format!(".{name}")) } else { Pattern::Name(name) })
}

/// A network; one of IPv4 addresses that are written as IPv6 ones is one of IPv4.
fn network(address: IpAddr, bits: u8) -> Pattern {
    match unwrapped(address) {
        inner @ IpAddr::V4(_) if address.is_ipv6() && bits >= 96 => Pattern::Network(inner, bits - 96),
        _ => Pattern::Network(address, bits),
    }
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let ends_in_digits =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.split('.').all(is_label) && !ends_in_digits
}

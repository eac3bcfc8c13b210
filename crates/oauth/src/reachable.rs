//! Which addresses the server may be asked to send requests to.
//!
//! The fetcher refuses special-use addresses when it connects, because only then it knows where a name leads. An address that
//! is written as one is refused when it is registered, so that the developer learns it at once.

use core::net::IpAddr;

use domain::special_use::{is_loopback, special_use};
use url::{Host, Url};

/// The addresses to which the server connects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reachable {
    /// Public ones.
    #[default]
    Public,
    /// Public ones, and the machine itself: only for tests.
    PublicAndLoopback,
}

/// A URL whose host the server never connects to, to follow the name of its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must name a public host: the server does not connect to addresses for special use ({0})")]
pub struct Unreachable(&'static str);

impl Reachable {
    /// Whether the host of the URL may lead somewhere. A text that is not a URL is the fault of another rule.
    ///
    /// # Errors
    /// If the host is a special-use address ([RFC 6890](https://www.rfc-editor.org/rfc/rfc6890)), or a name that stands for
    /// the machine itself ([RFC 6761 §6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
    pub fn check(self, url: &str) -> Result<(), Unreachable> {
        let url = Url::parse(url).ok();
        match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            Some(Host::Domain(name)) if is_localhost(name) && self == Self::Public => {
                Err(Unreachable("loopback"))
            }
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    fn check_address(self, address: IpAddr) -> Result<(), Unreachable> {
        match special_use(address) {
            Some(_) if self == Self::PublicAndLoopback && is_loopback(address) => Ok(()),
            Some(usage) => Err(Unreachable(usage)),
            None => Ok(()),
        }
    }
}

/// The parser has converted the name to lower case.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_use_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "2130706433",
            "10.0.0.1",
            "169.254.169.254",
            "192.168.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::a00:1]",
            "[fe80::1]",
            "[fd00::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
        ] {
            assert!(Reachable::Public.check(&format!("https://{host}/x")).is_err(), "{host}");
        }
    }

    #[test]
    fn public_hosts_and_what_is_no_url_are_left_to_others() {
        for url in [
            "https://client.example/x",
            "https://8.8.8.8/",
            "https://[2a00::1]/",
            "https://localhost.example/",
            "x",
            "",
        ] {
            assert_eq!(Reachable::Public.check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn the_switch_for_tests_permits_the_machine_itself_only() {
        for (host, is_permitted) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("localhost", true),
            ("10.0.0.1", false),
            ("[fe80::1]", false),
        ] {
            let checked = Reachable::PublicAndLoopback.check(&format!("https://{host}/"));
            assert_eq!(checked.is_ok(), is_permitted, "{host}");
        }
    }
}

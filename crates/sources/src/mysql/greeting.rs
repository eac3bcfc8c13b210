//! The first packet of a server
//! ([Protocol::HandshakeV10](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html)).

use super::fields::Fields;
use super::passwords::CHALLENGE;
use crate::SourceError;

/// The version of the protocol.
const PROTOCOL: u8 = 10;

/// The oldest versions of the servers.
const OLDEST: &str = "MySQL 8.0 or MariaDB 10.6";

/// What precedes the version of MariaDB for clients that know only MySQL.
const DISGUISE: &str = "5.5.5-";

/// Which server it is. The two have different names for some settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    MySql,
    MariaDb,
}

impl Product {
    /// Its name, as people write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }
}

/// What a server says about itself and a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) product: Product,
    /// The number of the connection, with which its statements can be stopped.
    pub(super) thread: u32,
    pub(super) capabilities: u32,
    pub(super) challenge: [u8; CHALLENGE],
    /// The name of the method of signing in that it prefers.
    pub(super) method: Vec<u8>,
}

impl Greeting {
    /// Reads the packet.
    ///
    /// # Errors
    /// [`SourceError::Unreachable`] if it is no such packet; [`SourceError::OldServer`].
    pub(super) fn read(packet: &[u8]) -> Result<Self, SourceError> {
        let (greeting, version) = Self::parse(packet).ok_or_else(|| SourceError::Unreachable {
            detail: "it is not a server of MySQL or MariaDB".to_owned(),
        })?;
        if is_new_enough(greeting.product, &version) {
            Ok(greeting)
        } else {
            Err(SourceError::OldServer { oldest: OLDEST })
        }
    }

    fn parse(packet: &[u8]) -> Option<(Self, String)> {
        let mut fields = Fields::of(packet);
        if fields.byte()? != PROTOCOL {
            return None;
        }
        let version = String::from_utf8_lossy(fields.until_zero()).into_owned();
        let thread = fields.u32()?;
        let start = fields.bytes(8)?;
        fields.byte()?;
        let low = fields.u16()?;
        // The character set and the status.
        fields.bytes(3)?;
        let high = fields.u16()?;
        // The length of the challenge, which is the same for all methods, and what is reserved.
        fields.bytes(11)?;
        let rest = fields.bytes(CHALLENGE - 8)?;
        fields.byte()?;
        let method = fields.until_zero().to_vec();
        let mut challenge = [0; CHALLENGE];
        challenge[..8].copy_from_slice(start);
        challenge[8..].copy_from_slice(rest);
        let capabilities = u32::from(low) | u32::from(high) << 16;
        let product = if version.contains("MariaDB") { Product::MariaDb } else { Product::MySql };
        Some((Self { product, thread, capabilities, challenge, method }, version))
    }
}

fn is_new_enough(product: Product, version: &str) -> bool {
    let version = version.strip_prefix(DISGUISE).unwrap_or(version);
    let mut numbers = version.split(|character: char| !character.is_ascii_digit());
    let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    let oldest = match product {
        Product::MySql => (8, 0),
        Product::MariaDb => (10, 6),
    };
    // A server that does not say its version is given the benefit of the doubt.
    number().is_none_or(|major| (major, number().unwrap_or(0)) >= oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(version: &str) -> Vec<u8> {
        [
            &[PROTOCOL],
            version.as_bytes(),
            &[0, 7, 0, 0, 0],
            b"abcdefgh\0",
            &[0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21],
            &[0; 10],
            b"ijklmnopqrst\0caching_sha2_password\0",
        ]
        .concat()
    }

    #[test]
    fn a_greeting_says_who_speaks() {
        let greeting = Greeting::read(&packet("8.4.3")).unwrap();
        assert_eq!((greeting.product, greeting.thread), (Product::MySql, 7));
        assert_eq!(greeting.capabilities, 0x81ff_f7ff);
        assert_eq!(&greeting.challenge, b"abcdefghijklmnopqrst");
        assert_eq!(greeting.method, b"caching_sha2_password");
        let maria = Greeting::read(&packet("5.5.5-10.11.6-MariaDB-0+deb12u1")).unwrap();
        assert_eq!(maria.product, Product::MariaDb);
    }

    #[test]
    fn old_servers_are_refused() {
        for version in
            ["8.0.11", "8.4.0-log", "9.1.0", "10.6.0-MariaDB", "5.5.5-11.4.2-MariaDB-log", "unknown"]
        {
            assert!(Greeting::read(&packet(version)).is_ok(), "{version}");
        }
        for version in ["5.7.44", "5.5.5-10.5.23-MariaDB", "10.3.2-MariaDB"] {
            assert_eq!(Greeting::read(&packet(version)), Err(SourceError::OldServer { oldest: OLDEST }));
        }
    }

    #[test]
    fn other_packets_are_none() {
        let whole = packet("8.4.3");
        for cut in 0..whole.len() - 23 {
            assert!(Greeting::read(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(Greeting::read(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
    }
}

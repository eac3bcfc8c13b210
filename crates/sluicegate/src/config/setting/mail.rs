//! Settings of the mail server.

use std::net::IpAddr;

use mail::MailTls;
use serde_json::{Value, json};

use super::Written;

/// The name or the address of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName(String);

impl HostName {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.0.parse::<IpAddr>().map(|address| address.to_canonical().is_loopback());
        address.unwrap_or(self.0 == "localhost")
    }
}

impl Written for HostName {
    const KIND: &'static str = "the name or the address of a host, such as \"smtp.example.org\"";

    fn parse(text: &str) -> Option<Self> {
        let label = |label: &str| {
            let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_name = text.len() <= 253 && text.split('.').all(label);
        (is_name || text.parse::<IpAddr>().is_ok()).then(|| Self(text.to_ascii_lowercase()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailProtection {
    /// The connection must change to TLS.
    StartTls,
    /// TLS from the first byte on.
    Implicit,
    /// No protection, on this machine.
    None,
    /// No protection, anywhere.
    DangerNone,
}

impl MailProtection {
    const ALL: [(Self, &'static str); 4] = [
        (Self::StartTls, "starttls"),
        (Self::Implicit, "implicit"),
        (Self::None, "none"),
        (Self::DangerNone, "danger_none"),
    ];

    /// What the mailer does.
    pub(crate) const fn tls(self) -> MailTls {
        match self {
            Self::StartTls => MailTls::StartTls,
            Self::Implicit => MailTls::Implicit,
            Self::None | Self::DangerNone => MailTls::DangerNone,
        }
    }
}

impl Written for MailProtection {
    const KIND: &'static str = "\"starttls\", \"implicit\", \"none\" or \"danger_none\"";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(protection, _)| protection)
    }

    fn write(&self) -> String {
        let found = Self::ALL.into_iter().find(|(protection, _)| protection == self);
        found.map(|(_, name)| name.to_owned()).unwrap_or_default()
    }

    fn schema() -> Value {
        json!({"enum": Self::ALL.map(|(_, name)| name)})
    }
}

/// A name or a sender in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OneLine(String);

impl OneLine {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Written for OneLine {
    const KIND: &'static str = "a text of at most 320 characters in one line";

    fn parse(text: &str) -> Option<Self> {
        let fits = (1..=320).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (good, loopback) in [
            ("smtp.example.org", false),
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("192.0.2.7", false),
        ] {
            assert_eq!(HostName::parse(good).unwrap().is_loopback(), loopback, "{good}");
        }
        for bad in ["", "a b", "smtp.example.org:587", "https://a", "-a", "a..b", &"a".repeat(64), "a\nb"] {
            assert!(HostName::parse(bad).is_none(), "{bad}");
        }
        assert!(OneLine::parse("a\r\nBcc: b").is_none() && OneLine::parse("").is_none());
    }
}

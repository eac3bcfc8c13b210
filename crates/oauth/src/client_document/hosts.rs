//! Whose documents an administrator accepts.

use std::fmt;
use std::str::FromStr;

/// A host, or all hosts below a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case.
    name: String,
    is_below: bool,
}

/// The text is not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a host such as app.example.com, or *.example.com for all hosts below a name")]
pub struct UnreadableHostPattern;

impl FromStr for HostPattern {
    type Err = UnreadableHostPattern;

    fn from_str(text: &str) -> Result<Self, UnreadableHostPattern> {
        let (is_below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        let is_host = !name.is_empty() && !name.contains('*');
        match url::Host::parse(name) {
            Ok(host) if is_host => Ok(Self { name: host.to_string(), is_below }),
            _ => Err(UnreadableHostPattern),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_below { "*." } else { "" }, self.name)
    }
}

impl HostPattern {
    /// Whether it includes a host, in the spelling of URLs, in lower case.
    pub fn includes(&self, host: &str) -> bool {
        let before = host.strip_suffix(self.name.as_str());
        before.is_some_and(|before| if self.is_below { before.ends_with('.') } else { before.is_empty() })
    }
}

/// The hosts whose documents are accepted: of the allowed ones, or of all if none is named, those that are not forbidden.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentHosts {
    /// The only hosts; all if it is empty.
    pub allowed: Vec<HostPattern>,
    /// Hosts that are refused although they are allowed.
    pub forbidden: Vec<HostPattern>,
}

impl DocumentHosts {
    /// Whether documents of a host are accepted; the host in the spelling of URLs, in lower case.
    pub fn accept(&self, host: &str) -> bool {
        let any = |patterns: &[HostPattern]| patterns.iter().any(|pattern| pattern.includes(host));
        (self.allowed.is_empty() || any(&self.allowed)) && !any(&self.forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<HostPattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn documents_are_accepted_of_allowed_hosts_that_are_not_forbidden() {
        let all = DocumentHosts::default();
        assert!(all.accept("app.example.com"));
        let some = DocumentHosts {
            allowed: patterns(&["*.example.com", "Agent.example", "192.0.2.7"]),
            forbidden: patterns(&["bad.example.com", "*.bad.example.com"]),
        };
        for host in ["app.example.com", "a.b.example.com", "agent.example", "192.0.2.7"] {
            assert!(some.accept(host), "{host}");
        }
        for host in [
            "example.com",
            "notexample.com",
            "x.agent.example",
            "bad.example.com",
            "a.bad.example.com",
            "192.0.2.70",
        ] {
            assert!(!some.accept(host), "{host}");
        }
    }

    #[test]
    fn a_pattern_is_a_host() {
        for text in ["", "*", "*.", "a b", "https://a.example", "a.*.example", "a.example/x"] {
            assert_eq!(text.parse::<HostPattern>(), Err(UnreadableHostPattern), "{text}");
        }
        assert_eq!("*.Example.com".parse::<HostPattern>().unwrap().to_string(), "*.example.com");
    }
}

//! Searches for secrets in every form in which they may have been written.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A value that must not be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// The kind of secret.
    pub(crate) what: &'static str,
    pub(crate) text: String,
}

/// This many consecutive bytes of a secret give it away.
const TELLING: usize = 16;

/// Every run of that many bytes, of every form of every secret.
pub(crate) struct Needles {
    runs: HashMap<[u8; TELLING], &'static str>,
    /// The first bytes of the runs, so that most positions are skipped quickly.
    begins: Vec<bool>,
}

impl Needles {
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut needles = Self { runs: HashMap::new(), begins: vec![false; 1 << 16] };
        for secret in secrets {
            for form in forms(&secret.text) {
                for run in form.windows(TELLING) {
                    needles.begins[begin(run)] = true;
                    needles.runs.insert(run.try_into().unwrap(), secret.what);
                }
            }
        }
        needles
    }

    /// Panics if a secret is found.
    pub(crate) fn search(&self, place: &str, haystack: &[u8]) {
        if let Some((at, what)) = self.find(haystack) {
            let around = &haystack[at.saturating_sub(80)..(at + 100).min(haystack.len())];
            panic!("{what} is found in {place}: {}", String::from_utf8_lossy(around));
        }
    }

    /// Proves that the search can find something.
    pub(crate) fn must_find_themselves(&self, secrets: &[Secret]) {
        for secret in secrets {
            assert!(secret.text.len() >= TELLING, "{} is too short to be searched for", secret.what);
            let text = format!("before {} after", secret.text);
            assert!(self.find(text.as_bytes()).is_some(), "{}", secret.what);
            assert!(self.find(hex(text.as_bytes()).as_bytes()).is_some(), "{}", secret.what);
            assert!(self.find(STANDARD_NO_PAD.encode(&text).as_bytes()).is_some(), "{}", secret.what);
        }
    }

    fn find(&self, haystack: &[u8]) -> Option<(usize, &'static str)> {
        let mut places = haystack.windows(TELLING).enumerate().filter(|(_, run)| self.begins[begin(run)]);
        places.find_map(|(at, run)| self.runs.get(run).map(|what| (at, *what)))
    }
}

fn begin(run: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([run[0], run[1]]))
}

/// The forms in which bytes may be written.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let mut forms = written(text.as_bytes());
    forms.push(percent(text).into_bytes());
    let body = text.split_once('_').filter(|(prefix, _)| prefix.len() == 3).map_or(text, |(_, body)| body);
    if let Ok(inner) = URL_SAFE_NO_PAD.decode(body) {
        forms.extend(written(&inner));
    }
    forms
}

fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![bytes.to_vec(), hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()];
    // Inside a longer value, the groups of three may start at any byte.
    for skipped in 0..3.min(bytes.len()) {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let mut encoded = engine.encode(&bytes[skipped..]).into_bytes();
            // The last group also depends on what follows.
            encoded.truncate(encoded.len().saturating_sub(4));
            forms.push(encoded);
        }
    }
    forms
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

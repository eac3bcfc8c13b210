//! Values as they were given, before anybody knows what they should be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Fault;
use super::setting::Setting;

/// A value as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    /// `true` or `false` in the file.
    Bool(bool),
    /// A whole number in the file.
    Number(i64),
    /// Text in the file or on the command line.
    Text(String),
    /// A list of texts in the file.
    List(Vec<String>),
    /// Text of the environment, which has no types.
    Environment(String),
    /// Something that no setting can be, in words.
    Unfit(&'static str),
}

/// Everything that was given, by key path, weakest first.
#[derive(Debug, Default)]
pub(crate) struct Given {
    values: BTreeMap<String, Vec<Entry>>,
    known: Vec<String>,
    faults: Vec<Fault>,
}

#[derive(Debug)]
struct Entry {
    raw: Raw,
    origin: String,
}

impl Given {
    /// Adds a value that is stronger than all that were added before.
    pub(crate) fn add(&mut self, key: String, raw: Raw, origin: String) {
        self.values.entry(key).or_default().push(Entry { raw, origin });
    }

    /// Adds a fault that was found while reading.
    pub(crate) fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// The strongest value of a key; the default when there is none, and where a value is bad, which is noted.
    pub(crate) fn take<T: Setting>(
        &mut self,
        key: String,
        range: Option<&RangeInclusive<i64>>,
        default: impl FnOnce() -> T,
    ) -> T {
        let mut strongest = None;
        for entry in self.values.remove(&key).unwrap_or_default() {
            match T::read(&entry.raw, range) {
                Ok(value) => strongest = Some(value),
                Err(message) => {
                    self.faults.push(Fault { origin: entry.origin, key: key.clone(), message });
                }
            }
        }
        self.known.push(key);
        strongest.unwrap_or_else(default)
    }

    /// The faults, and one for each key that nobody took.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults;
        for (key, entries) in self.values {
            let advice = nearest(&key, &self.known)
                .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            faults.extend(entries.into_iter().map(|entry| Fault {
                origin: entry.origin,
                key: key.clone(),
                message: format!("there is no such setting{advice}"),
            }));
        }
        faults
    }
}

/// The known key that a wrong one was probably meant to be.
fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let by_distance = known.iter().map(|candidate| (distance(key, candidate), candidate));
    let (distance, candidate) = by_distance.min()?;
    (distance <= 3 && distance * 3 < key.len()).then_some(candidate)
}

/// How many letters must be added, dropped or replaced to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

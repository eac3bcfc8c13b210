//! Raw configuration values, before their types are known.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::InvalidSetting;
use super::raw::Raw;
use super::setting::Setting;

/// All raw values by key path, weakest first.
#[derive(Debug, Default)]
pub(crate) struct RawConfig {
    values: BTreeMap<String, Vec<Entry>>,
    known: Vec<String>,
    /// Where the values that apply come from, by key path.
    origins: BTreeMap<String, String>,
    faults: Vec<InvalidSetting>,
}

#[derive(Debug)]
struct Entry {
    raw: Raw,
    origin: String,
}

impl RawConfig {
    /// Adds a value that overrides all earlier ones.
    pub(crate) fn add(&mut self, key: String, raw: Raw, origin: String) {
        self.values.entry(key).or_default().push(Entry { raw, origin });
    }

    /// Adds a fault that was found while reading.
    pub(crate) fn add_fault(&mut self, fault: InvalidSetting) {
        self.faults.push(fault);
    }

    /// Takes the strongest value of a key. Returns the default if there is none, or if the value is invalid;
    /// that is recorded as a fault.
    pub(crate) fn take<T: Setting>(
        &mut self,
        key: String,
        range: Option<&RangeInclusive<i64>>,
        default: impl FnOnce() -> T,
    ) -> T {
        let mut strongest = None;
        for entry in self.values.remove(&key).unwrap_or_default() {
            match T::read(&entry.raw, range) {
                Ok(value) => {
                    self.origins.insert(key.clone(), entry.origin);
                    strongest = Some(value);
                }
                Err(message) => {
                    self.faults.push(InvalidSetting { origin: entry.origin, key: key.clone(), message });
                }
            }
        }
        self.known.push(key);
        strongest.unwrap_or_else(default)
    }

    /// Says for each fault of a key that was taken where its value comes from.
    pub(crate) fn locate(&self, faults: &mut [InvalidSetting]) {
        for fault in faults {
            if let Some(origin) = self.origins.get(&fault.key) {
                fault.origin.clone_from(origin);
            }
        }
    }

    /// The faults, including one for each key that was not taken.
    pub(crate) fn into_faults(self) -> Vec<InvalidSetting> {
        let mut faults = self.faults;
        for (key, entries) in self.values {
            let advice = nearest(&key, &self.known)
                .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            faults.extend(entries.into_iter().map(|entry| InvalidSetting {
                origin: entry.origin,
                key: key.clone(),
                message: format!("there is no such setting{advice}"),
            }));
        }
        faults
    }
}

/// The known key that is most similar to an unknown one.
fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let by_distance = known.iter().map(|candidate| (distance(key, candidate), candidate));
    let (distance, candidate) = by_distance.min()?;
    (distance <= 3 && distance * 3 < key.len()).then_some(candidate)
}

/// The edit distance: the number of letters to add, drop or replace to turn one word into the other.
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

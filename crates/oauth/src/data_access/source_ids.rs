//! A set of data sources that is small enough for codes and tokens although it may have many members.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::DataSourceId;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MOST_SOURCES;

/// Ids of data sources, in order and without repetition.
///
/// As JSON, up to 32 of them are an array of numbers, and more are a text: the differences of one id to the next in
/// [LEB128](https://en.wikipedia.org/wiki/LEB128), in base64url. Ids that were given one after the other take one byte each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceIds(Vec<i64>);

impl SourceIds {
    /// The set of these.
    pub fn new(ids: impl IntoIterator<Item = DataSourceId>) -> Self {
        let mut set = Self::default();
        set.insert(ids);
        set
    }

    /// Whether this one is in the set.
    pub fn contains(&self, id: DataSourceId) -> bool {
        self.0.binary_search(&id.get()).is_ok()
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = DataSourceId> {
        self.0.iter().copied().map(DataSourceId::new)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, ids: impl IntoIterator<Item = DataSourceId>) {
        self.0.extend(ids.into_iter().map(DataSourceId::get));
        self.0.sort_unstable();
        self.0.dedup();
    }

    pub(super) fn remove(&mut self, ids: &[DataSourceId]) {
        self.0.retain(|id| !ids.contains(&DataSourceId::new(*id)));
    }

    /// The set as text.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(self.0.len() * 2);
        let mut before = 0_i64;
        for id in &self.0 {
            let mut step = id.wrapping_sub(before).cast_unsigned();
            while step >= 0x80 {
                bytes.push(low_bits(step) | 0x80);
                step >>= 7;
            }
            bytes.push(low_bits(step));
            before = *id;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::to_text`] wrote; `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mut ids, mut before, mut step, mut shift) = (Vec::new(), 0_i64, 0_u64, 0_u32);
        for byte in bytes {
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || bits.checked_shl(shift)? >> shift != bits {
                return None;
            }
            step |= bits << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                before = before.wrapping_add(step.cast_signed());
                ids.push(before);
                (step, shift) = (0, 0);
            }
        }
        let is_set = shift == 0 && ids.is_sorted_by(|one, next| one < next);
        is_set.then_some(Self(ids))
    }
}

fn low_bits(step: u64) -> u8 {
    (step & 0x7f) as u8
}

impl Serialize for SourceIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() > MOST_SOURCES {
            return serializer.serialize_str(&self.to_text());
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SourceIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Either form.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = SourceIds;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ids of data sources")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SourceIds, E> {
        SourceIds::parse(text).ok_or_else(|| E::custom("not a set of data sources"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut ids: A) -> Result<SourceIds, A::Error> {
        let mut all = Vec::new();
        while let Some(id) = ids.next_element()? {
            all.push(DataSourceId::new(id));
        }
        Ok(SourceIds::new(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: impl IntoIterator<Item = i64>) -> SourceIds {
        SourceIds::new(ids.into_iter().map(DataSourceId::new))
    }

    #[test]
    fn a_set_comes_back_from_its_text() {
        for ids in [
            set([]),
            set([1]),
            set([127, 128, 129, 300, 70_000]),
            set([i64::MIN, -1, 0, 1, i64::MAX]),
            set((0..1_000).map(|number| i64::MAX - number * 9_000_000_000_000_000)),
            set(1..=1_000),
        ] {
            assert_eq!(SourceIds::parse(&ids.to_text()), Some(ids.clone()), "{ids:?}");
            let json = serde_json::to_string(&ids).unwrap();
            assert_eq!(serde_json::from_str::<SourceIds>(&json).unwrap(), ids, "{json}");
        }
        assert_eq!(set(1..=1_000).to_text().len(), 1_334, "a byte each, in base64");
        assert_eq!(serde_json::to_string(&set([3, 1, 3])).unwrap(), "[1,3]");
    }

    #[test]
    fn what_is_no_set_is_not_read() {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        for bad in [
            "!".to_owned(),
            "AQ==".to_owned(),
            text(&[0x80]),
            text(&[1, 0]),
            text(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            text(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
        ] {
            assert_eq!(SourceIds::parse(&bad), None, "{bad}");
        }
        assert!(serde_json::from_str::<SourceIds>("{}").is_err());
        assert!(serde_json::from_str::<SourceIds>("[\"1\"]").is_err());
    }

    #[test]
    fn members_are_found_added_and_removed() {
        let mut ids = set([5, 1, 5]);
        ids.insert([DataSourceId::new(3)]);
        assert!(ids.contains(DataSourceId::new(3)) && !ids.contains(DataSourceId::new(4)));
        ids.remove(&[DataSourceId::new(1), DataSourceId::new(9)]);
        assert_eq!(ids, set([3, 5]));
        assert_eq!(ids.len(), 2);
    }
}

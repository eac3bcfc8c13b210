//! Values by key, which are forgotten together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use store::StoreError;

/// A bounded cache of values by key. A value that was read before a drop is never cached after it.
pub(crate) struct KeyedCache<K, V> {
    cache: Cache<K, (u64, Arc<V>)>,
    drops: AtomicU64,
}

impl<K: Hash + Eq + Clone, V> KeyedCache<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { cache: Cache::new(most), drops: AtomicU64::default() }
    }

    pub(super) fn forget(&self) {
        self.drops.fetch_add(1, Ordering::AcqRel);
        self.cache.clear();
    }

    /// The value for the key, cached or read.
    pub(crate) async fn get_or_read(
        &self,
        key: &K,
        read: impl AsyncFnOnce() -> Result<Option<V>, StoreError>,
    ) -> Result<Option<Arc<V>>, StoreError> {
        let drops = self.drops.load(Ordering::Acquire);
        if let Some(value) = self.cached(key, drops) {
            return Ok(Some(value));
        }
        let Some(value) = read().await?.map(Arc::new) else {
            return Ok(None);
        };
        self.cache.insert(key.clone(), (drops, value.clone()));
        Ok(Some(value))
    }

    /// The value for each of the keys, cached or read. `read` is called at most once, with the keys that are not cached, and
    /// returns the values that there are, in any order.
    pub(crate) async fn get_or_read_all(
        &self,
        keys: &[K],
        read: impl AsyncFnOnce(&[K]) -> Result<HashMap<K, V>, StoreError>,
    ) -> Result<Vec<Option<Arc<V>>>, StoreError> {
        let drops = self.drops.load(Ordering::Acquire);
        let mut all: Vec<Option<Arc<V>>> = keys.iter().map(|key| self.cached(key, drops)).collect();
        let missing: Vec<K> =
            keys.iter().zip(&all).filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone()).collect();
        if missing.is_empty() {
            return Ok(all);
        }
        let found: HashMap<K, Arc<V>> =
            read(&missing).await?.into_iter().map(|(key, value)| (key, Arc::new(value))).collect();
        for (key, value) in &found {
            self.cache.insert(key.clone(), (drops, value.clone()));
        }
        for (key, value) in keys.iter().zip(&mut all).filter(|(_, value)| value.is_none()) {
            *value = found.get(key).cloned();
        }
        Ok(all)
    }

    fn cached(&self, key: &K, drops: u64) -> Option<Arc<V>> {
        self.cache.get(key).filter(|(at, _)| *at == drops).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_read_before_a_drop_is_not_cached_after_it() {
        let remembered = KeyedCache::<u8, &str>::new(10);
        let raced = remembered
            .get_or_read(&1, async || {
                remembered.forget();
                Ok(Some("old"))
            })
            .await;
        assert_eq!(*raced.unwrap().unwrap(), "old", "the reader itself began before the drop");
        let next = remembered.get_or_read(&1, async || Ok(Some("new"))).await;
        assert_eq!(*next.unwrap().unwrap(), "new");
    }

    #[tokio::test]
    async fn many_values_are_read_at_once_and_only_those_that_are_not_cached() {
        let remembered = KeyedCache::<u8, &str>::new(10);
        let mut reads = Vec::new();
        for keys in [&[1, 2, 3][..], &[1, 3, 4, 4], &[1, 3], &[9]] {
            let read = async |missing: &[u8]| {
                reads.push(missing.to_vec());
                let known = [(1, "one"), (3, "three"), (4, "four")];
                Ok(known.into_iter().filter(|(key, _)| missing.contains(key)).collect())
            };
            let found = remembered.get_or_read_all(keys, read).await.unwrap();
            let found: Vec<&str> =
                found.iter().map(|value| value.as_deref().copied().unwrap_or("-")).collect();
            let expected: Vec<&str> = keys
                .iter()
                .map(|key| match key {
                    1 => "one",
                    3 => "three",
                    4 => "four",
                    _ => "-",
                })
                .collect();
            assert_eq!(found, expected);
        }
        assert_eq!(reads, [vec![1, 2, 3], vec![4, 4], vec![9]]);
    }
}

//! Settings as numbers in memory.

/// A setting as a size in memory.
pub(crate) fn number(setting: u32) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

//! The columns of a plan: each names the scan that it comes from.

/// The number of a scan in its plan, from zero. Dialects derive the alias of a table from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ScanId(u16);

/// A column: a scan, and the index of a property in it. In a statement with several tables, the index alone
/// would say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ScanColumn {
    pub(crate) scan: ScanId,
    pub(crate) property: usize,
}

impl ScanId {
    /// The scan of the rows that the request addresses.
    pub(crate) const FIRST: Self = Self(0);

    /// The next number.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// All of them, from the first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::successors(Some(Self::FIRST), |scan| Some(scan.next()))
    }

    /// The number as an index.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The column for the property with this index.
    pub(crate) fn column(self, property: usize) -> ScanColumn {
        ScanColumn { scan: self, property }
    }
}

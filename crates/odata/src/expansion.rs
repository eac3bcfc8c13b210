//! Expanded pages: which statements read the related rows, and how their rows become nested entities.
//!
//! A page with expanded navigation properties has levels. The first level is the page itself, and each navigation property that
//! leads to many entities starts another one, with a statement for the related rows of all rows of the page. One related
//! entity is in the row of its parent. All statements have the same order, so that the rows of a level and of
//! its parent are merged as they come. See the [decision](../../../docs/decisions/expand.md).

mod gathering;
mod held;

use crate::encode::Encoder;
use crate::encode::id::KeyPredicate;
use crate::statement::Statement;

pub use gathering::{Gathering, Progress};

/// The maximum number of entities in a page whose entities are expanded.
pub const MOST_PARENTS: usize = 1_000;
/// The maximum number of related rows that one statement reads.
pub const MOST_RELATED: usize = 10_000;
/// How much of a page is kept in memory until it is written, in bytes. A level stops reading after the row that exceeds
/// its equal share.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How much of a page is read, besides the number of its entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The maximum number of rows on each level after the first.
    pub related: usize,
    /// The maximum size of what is kept of all rows, in bytes.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { related: MOST_RELATED, bytes: MOST_BYTES }
    }
}

/// The levels of a page.
#[derive(Debug, Clone)]
pub struct Expansion {
    /// What is kept of their rows: no more than by default.
    pub bounds: Bounds,
    /// The statement of each level after the first.
    pub(crate) statements: Vec<Statement>,
    /// All levels, parents before their children.
    pub(crate) levels: Vec<Level>,
    pub(crate) service_root: String,
    pub(crate) model_version: u64,
}

/// Rows that one statement reads.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    /// Writes a row; `None` for the first level, whose encoder is that of the page.
    pub(crate) encoder: Option<Encoder>,
    /// The levels from the first to this one, with the columns of its own statement that belong to them.
    pub(crate) path: Vec<LevelColumns>,
    /// The columns with the terms of its order, for positions.
    pub(crate) terms: Vec<usize>,
    /// The links to the rest of the rows of a parent; `None` for the first level.
    pub(crate) list: Option<List>,
    /// Whether rows of other levels are related to those of this one.
    pub(crate) has_children: bool,
}

/// A level, seen in the rows of another one.
#[derive(Debug, Clone)]
pub(crate) struct LevelColumns {
    pub(crate) level: usize,
    /// The columns with the key of its row.
    pub(crate) key: Vec<usize>,
    /// The columns with the key of the entity whose navigation property leads to the row.
    pub(crate) owner: Vec<usize>,
}

/// Where the rest of the rows of a parent is.
#[derive(Debug, Clone)]
pub(crate) struct List {
    /// The name of the navigation property.
    pub(crate) name: String,
    /// The address of the owner, relative to the service, up to the opening parenthesis of its key.
    pub(crate) before: String,
    pub(crate) key: KeyPredicate,
    /// What follows the key.
    pub(crate) after: String,
    /// The number of rows that `$top` allows for each parent.
    pub(crate) top: Option<u64>,
}

impl Expansion {
    /// The statements of the levels after the first, in the order in which they must run.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// How much of its rows a level may keep, in bytes.
    fn share(&self) -> usize {
        self.bounds.bytes / self.levels.len().max(1)
    }
}

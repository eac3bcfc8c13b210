//! Positions in links.

use std::sync::Arc;

use domain::id::DataSourceId;
use domain::time::Timestamp;
use odata::position::Position;
use sources::SourceError;
use vault::Vault;

use super::bounds::LONGEST_POSITION;

/// Seals positions for the next links of a source.
#[derive(Clone)]
pub(super) struct Sealer {
    pub(super) vault: Arc<Vault>,
    pub(super) source: DataSourceId,
    pub(super) now: Timestamp,
}

impl Sealer {
    /// The sealed position.
    pub(super) fn seal(&self, position: &Position) -> Result<String, SourceError> {
        let failed = |detail: &str| SourceError::Failed { detail: detail.to_owned() };
        let bytes = position.to_bytes();
        if bytes.len() > LONGEST_POSITION {
            return Err(failed("the values that the rows are ordered by are too long for a next link"));
        }
        let mut bound = self.source.get().to_le_bytes().to_vec();
        bound.extend(bytes);
        self.vault.seal_position(&bound, self.now).map_err(|_| failed("the key ring has no active key"))
    }
}

//! Which data sources are listed, in the words of Hybrid Data Pipeline.

use domain::account::DataSource;
use domain::id::DataSourceId;

/// Which data sources are listed; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only groups, or only those that are none.
    pub is_group: Option<bool>,
    /// Only groups of which this data source is a member.
    pub member: Option<DataSourceId>,
    /// Only those that are served over OData, as all are, or only others.
    pub is_odata: Option<bool>,
}

impl SourceFilter {
    pub(super) fn leaves_out_some(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn admits(&self, record: &DataSource) -> bool {
        self.is_group.is_none_or(|is_group| record.is_group() == is_group)
            && self.member.is_none_or(|member| record.members.iter().any(|one| one.source == member))
            && self.is_odata != Some(false)
    }
}

//! The members of the rows of a cross join.

use super::encoding::{Content, Planner, key_of};
use crate::bind::cross_join::CrossedMember;
use crate::encode::BodyKind;
use crate::encode::crossed::Combined;
use crate::format::MetadataLevel;
use crate::sql::columns::StatementColumns;
use crate::syntax::ExpandedForm;

impl Planner<'_> {
    /// The members for the entities of sets. A link is control information.
    pub(super) fn members(
        &self,
        columns: &mut StatementColumns<'_>,
        members: &[CrossedMember<'_>],
    ) -> Vec<Combined> {
        let member = |CrossedMember { set, expanded }: &CrossedMember<'_>| {
            let (scan, entity_type) = (set.scan, set.entity_type);
            let Some((form, shown)) = expanded else {
                let key = key_of(scan, entity_type).into_iter().map(|column| columns.column(column));
                let key = key.collect();
                return (self.format.metadata != MetadataLevel::None)
                    .then(|| Combined::link(entity_type, key));
            };
            let is_reference = *form == ExpandedForm::References;
            let subject = if is_reference { BodyKind::References } else { BodyKind::Collection };
            let rows = (scan, entity_type);
            let encoder = self.encoder_of(columns, rows, shown, subject, Content::default());
            Some(Combined::entity(&entity_type.name, encoder))
        };
        members.iter().filter_map(member).collect()
    }
}

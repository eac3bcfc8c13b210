//! Rows of several tables that nothing relates ([OData URL Conventions 4.01
//! §4.15](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_AddressingtheCrossJoinofEntitySets)).

use super::PlanNode;

/// Each row with each row of another node. The key of a pair is that of both rows.
#[derive(Debug, Clone)]
pub(crate) struct Cross<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// A scan.
    pub(crate) nested: Box<PlanNode<'m>>,
}

impl PlanNode<'_> {
    /// Each of the rows with each row of another node.
    pub(crate) fn crossed(self, nested: Self) -> Self {
        Self::Cross(Cross { input: Box::new(self), nested: Box::new(nested) })
    }
}

//! The members of groups.

use domain::account::DataSource;
use domain::account::data_source::GroupMember;
use domain::audit::NewAuditEvent;
use domain::id::DataSourceId;

use super::{Managed, managed, touch};
use crate::columns::Impossible;
use crate::relational::{Change, NamedStatement, SqlTransaction, values};
use crate::{DataSourceRefusal, MembersChange, rules};

/// Reads the members from a text: ids and prefixes in turn, separated by blanks.
pub(super) fn from_column(text: Option<&str>) -> Result<Vec<GroupMember>, Impossible> {
    let mut words = text.unwrap_or_default().split_ascii_whitespace();
    let mut members = Vec::new();
    while let Some(id) = words.next() {
        let member = id.parse().ok().zip(words.next());
        let (id, prefix) = member.ok_or_else(|| Impossible("a list that is none of members".to_owned()))?;
        members.push(GroupMember { source: DataSourceId::new(id), prefix: prefix.to_owned() });
    }
    Ok(members)
}

/// Changes the members of a group.
pub async fn change<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    change: &MembersChange,
    event: &NewAuditEvent,
) -> Managed<S> {
    static CLEAR: NamedStatement =
        NamedStatement::new("DELETE FROM data_source_members WHERE group_id = :id");
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO data_source_members (group_id, member_id, prefix) VALUES (:id, :source, :prefix)",
    );
    let group = managed(db, id, event).await?;
    let members = rules::members_after(&group, change)?;
    may_be_members(db, &group, &members).await?;
    db.execute(&CLEAR, values! { id }).await?;
    for GroupMember { source, prefix } in &members {
        db.execute(&ADD, values! { id, source: *source, prefix }).await?;
    }
    touch(db, id, event.at, event).await
}

/// Each is a data source of the same owner, and no group.
async fn may_be_members<S: SqlTransaction>(
    db: &S,
    group: &DataSource,
    members: &[GroupMember],
) -> Change<(), S, DataSourceRefusal> {
    for GroupMember { source, .. } in members {
        let found = super::find(db, *source).await?.filter(|found| found.owner == group.owner);
        let found = found.ok_or(DataSourceRefusal::UnknownMember(*source))?;
        if found.is_group() {
            return Err(DataSourceRefusal::GroupAsMember(*source).into());
        }
    }
    Ok(())
}

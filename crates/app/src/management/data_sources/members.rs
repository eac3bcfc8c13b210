//! The members of groups: data sources of the same owner that are served together at one address, each with a prefix.

use domain::account::Permission;
use domain::account::data_source::{GroupMember, check_prefix};
use domain::audit::Action;
use domain::id::DataSourceId;
use store::MembersChange;

use super::draft::note;
use super::{DataSourceError, DataSourceService};
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::management::administration::FieldFault;

/// A member as it is given. A member that is missing is a fault of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDraft {
    /// The data source.
    pub source: DataSourceId,
    /// The prefix of its entity sets.
    pub prefix: String,
}

/// A change to the list of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembersDraft {
    /// The group has exactly these members.
    With(Vec<MemberDraft>),
    /// It also has these members.
    Also(Vec<MemberDraft>),
}

impl DataSourceService {
    /// The members of a group, for those who manage it.
    ///
    /// # Errors
    /// [`DataSourceError`]; `IsNoGroup` for a data source with a database.
    pub async fn members(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<Vec<GroupMember>, DataSourceError> {
        let record = self.managed_source(actor, id, Permission::ViewDataSource, origin).await?;
        if record.is_group() { Ok(record.members) } else { Err(DataSourceError::IsNoGroup) }
    }

    /// Changes the members of a group, and returns the new list.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing has changed then.
    pub async fn change_members(
        &self,
        actor: &Actor,
        id: DataSourceId,
        draft: MembersDraft,
        origin: &RequestOrigin,
    ) -> Result<Vec<GroupMember>, DataSourceError> {
        let record = self.to_change(actor, id, origin).await?;
        if !record.is_group() {
            return Err(DataSourceError::IsNoGroup);
        }
        let change = draft.checked()?;
        let mut audit = self.audit_source(actor, Action::UpdateDataSource, &record.name, origin);
        note(&mut audit, &in_words(&change));
        let record = Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.change_members(id, change, audit).await?, origin)
            .await?;
        self.context.entities.forget_data_sources();
        Ok(record.members)
    }
}

impl MembersDraft {
    /// The change, if all prefixes can be such.
    fn checked(self) -> Result<MembersChange, DataSourceError> {
        let (Self::With(members) | Self::Also(members)) = &self;
        let fault = |(at, member): (usize, &MemberDraft)| {
            let fault = check_prefix(&member.prefix).err()?;
            Some(FieldFault::new(format!("members[{at}].entityPrefix"), fault.to_string()))
        };
        let faults: Vec<FieldFault> = members.iter().enumerate().filter_map(fault).collect();
        if !faults.is_empty() {
            return Err(DataSourceError::Invalid(faults));
        }
        let stored = |members: Vec<MemberDraft>| {
            let member = |MemberDraft { source, prefix }| GroupMember { source, prefix };
            members.into_iter().map(member).collect()
        };
        Ok(match self {
            Self::With(members) => MembersChange::With(stored(members)),
            Self::Also(members) => MembersChange::Also(stored(members)),
        })
    }
}

/// The maximum number of members that an audit event names.
const MOST_NAMED: usize = 50;

/// The change in words, for the audit log.
fn in_words(change: &MembersChange) -> String {
    let (what, members) = match change {
        MembersChange::With(members) => ("members", members),
        MembersChange::Also(members) => ("further members", members),
    };
    let named = members.iter().take(MOST_NAMED).map(|member| format!("{} {}", member.source, member.prefix));
    let more = if members.len() > MOST_NAMED { " and more" } else { "" };
    format!("{what}: {}{more}", named.collect::<Vec<_>>().join(", "))
}

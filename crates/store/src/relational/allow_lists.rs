//! Allow-lists of addresses.

use domain::allow_list::{AllowListOwner, AllowLists};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, UserId};

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::AllowListRefusal;
use crate::allow_lists::has_room;
use crate::columns::Impossible;

/// The columns that name an owner.
const fn key(owner: AllowListOwner) -> (i64, i64) {
    match owner {
        AllowListOwner::System => (0, 0),
        AllowListOwner::User(id) => (1, id.get()),
        AllowListOwner::Application(id) => (2, id.get()),
    }
}

struct Row(AllowListOwner, AllowLists);

impl Record for Row {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let (kind, id, lists): (i64, i64, String) = (row.read()?, row.read()?, row.read()?);
        let owner = match kind {
            0 => AllowListOwner::System,
            1 => AllowListOwner::User(UserId::new(id)),
            2 => AllowListOwner::Application(ApplicationId::new(id)),
            _ => return Err(Impossible(format!("allow-lists have an owner of the kind {kind}"))),
        };
        // One broken record must not stop everybody.
        Ok(Self(owner, AllowLists::from_json(&lists).unwrap_or_else(AllowLists::unreadable)))
    }
}

/// All lists, by their owners.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<(AllowListOwner, AllowLists)>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT owner_kind, owner_id, lists FROM allow_lists ORDER BY owner_kind, owner_id",
    );
    let rows: Vec<Row> = db.list(&LIST, values! {}).await?;
    Ok(rows.into_iter().map(|Row(owner, lists)| (owner, lists)).collect())
}

/// Replaces the lists of an owner.
pub async fn set<S: SqlTransaction>(
    db: &S,
    owner: AllowListOwner,
    lists: &AllowLists,
    event: &NewAuditEvent,
) -> Change<(), S, AllowListRefusal> {
    static SET: NamedStatement = NamedStatement::new(
        "INSERT INTO allow_lists (owner_kind, owner_id, lists) VALUES (:kind, :id, :lists)
        ON CONFLICT (owner_kind, owner_id) DO UPDATE SET lists = excluded.lists",
    );
    static OTHERS: NamedStatement =
        NamedStatement::new("SELECT count(*) FROM allow_lists WHERE owner_kind = :kind AND owner_id <> :id");
    if !authority::holds(db, event).await? {
        return Err(AllowListRefusal::RightsChanged.into());
    }
    if !is_within_reach(db, owner, event).await? {
        return Err(AllowListRefusal::Unknown.into());
    }
    let (kind, id) = key(owner);
    if lists.is_empty() {
        delete(db, owner).await?;
    } else {
        let of_same_user = of_same_user(db, owner).await?;
        has_room(owner, db.value(&OTHERS, values! { kind, id }).await?, of_same_user)?;
        db.execute(&SET, values! { kind, id, lists: lists.to_json() }).await?;
    }
    versions::grow(db, CachedKind::Limits).await?;
    Ok(db.append_audit(event).await?)
}

/// The number of other applications of the same user that have lists.
async fn of_same_user<S: SqlTransaction>(db: &S, owner: AllowListOwner) -> Read<i64, S> {
    static OF_USER: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM applications this
        JOIN applications other ON other.owner_id = this.owner_id AND other.id <> this.id
        JOIN allow_lists l ON l.owner_kind = 2 AND l.owner_id = other.id
        WHERE this.id = :id",
    );
    match owner {
        AllowListOwner::Application(id) => db.value(&OF_USER, values! { id }).await,
        AllowListOwner::System | AllowListOwner::User(_) => Ok(0),
    }
}

/// Whether there is the user or the application, and the caller may change what belongs to it.
async fn is_within_reach<S: SqlTransaction>(
    db: &S,
    owner: AllowListOwner,
    event: &NewAuditEvent,
) -> Read<bool, S> {
    static USER: NamedStatement = NamedStatement::new("SELECT id FROM users WHERE id = :id");
    static APPLICATION: NamedStatement =
        NamedStatement::new("SELECT owner_id FROM applications WHERE id = :id");
    let (_, id) = key(owner);
    let found: Option<UserId> = match owner {
        AllowListOwner::System => return Ok(true),
        AllowListOwner::User(_) => db.find(&USER, values! { id }).await?,
        AllowListOwner::Application(_) => db.find(&APPLICATION, values! { id }).await?,
    };
    Ok(found.is_some_and(|user| event.reaches(user)))
}

/// Deletes the lists of an owner.
pub(super) async fn delete<S: SqlTransaction>(db: &S, owner: AllowListOwner) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM allow_lists WHERE owner_kind = :kind AND owner_id = :id");
    let (kind, id) = key(owner);
    db.execute(&DELETE, values! { kind, id }).await.map(drop)
}

//! Resource servers and their scopes. Their number is small, so a change loads all of them and lets the rules
//! decide.

use std::borrow::Cow;

use domain::audit::NewAuditEvent;
use domain::id::{ResourceServerId, ScopeId};
use oauth::scope::{NewResourceServer, NewScope, ResourceServer, Scope, ScopeRegistry, ScopeSet};

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::{
    Impossible, assignment_from_column, assignment_to_column, implied_from_column, implied_to_column,
    risk_from_column,
};
use crate::rules::scopes as rules;
use crate::{ApplicationRefusal, ResourceServerRefusal};

type ServerChange<S> = Change<ResourceServer, S, ResourceServerRefusal>;
type ScopeChange<S> = Change<Scope, S, ResourceServerRefusal>;

/// Every resource server with its scopes.
pub async fn load<S: SqlTransaction>(db: &S) -> Read<ScopeRegistry, S> {
    static SERVERS: NamedStatement =
        NamedStatement::new("SELECT id, identifier, name, created_at, updated_at FROM resource_servers");
    static SCOPES: NamedStatement = NamedStatement::new(
        "SELECT id, resource_server_id, name, description, risk, assignment, implies, created_at, updated_at FROM scopes",
    );
    let servers = db.list(&SERVERS, values! {}).await?;
    Ok(ScopeRegistry::new(servers, db.list(&SCOPES, values! {}).await?))
}

/// The registry, if the caller still has the rights on which the decision rests.
async fn load_for<S: SqlTransaction>(
    db: &S,
    event: &NewAuditEvent,
) -> Change<ScopeRegistry, S, ResourceServerRefusal> {
    if !authority::holds(db, event).await? {
        return Err(ResourceServerRefusal::RightsChanged.into());
    }
    Ok(load(db).await?)
}

async fn finish<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Read<(), S> {
    versions::grow(db, CachedKind::Limits).await?;
    db.append_audit(event).await
}

/// Adds a resource server.
pub async fn insert_server<S: SqlTransaction>(
    db: &S,
    new: &NewResourceServer,
    event: &NewAuditEvent,
) -> ServerChange<S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO resource_servers (identifier, name, created_at, updated_at)
        VALUES (:identifier, :name, :at, :at) RETURNING id",
    );
    rules::server_may_be_added(&load_for(db, event).await?, new)?;
    let NewResourceServer { identifier, name } = new;
    let id = db.value(&INSERT, values! { identifier, name, at: event.at }).await?;
    finish(db, event).await?;
    Ok(rules::added_server(id, new, event.at))
}

/// Replaces the content of a resource server.
pub async fn update_server<S: SqlTransaction>(
    db: &S,
    id: ResourceServerId,
    new: &NewResourceServer,
    event: &NewAuditEvent,
) -> ServerChange<S> {
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE resource_servers SET identifier = :identifier, name = :name, updated_at = :at WHERE id = :id",
    );
    let server = rules::changed_server(&load_for(db, event).await?, id, new, event.at)?;
    let NewResourceServer { identifier, name } = new;
    db.execute(&UPDATE, values! { identifier, name, at: event.at, id }).await?;
    finish(db, event).await?;
    Ok(server)
}

/// Deletes a resource server that has no scopes, and returns it.
pub async fn delete_server<S: SqlTransaction>(
    db: &S,
    id: ResourceServerId,
    event: &NewAuditEvent,
) -> ServerChange<S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM resource_servers WHERE id = :id");
    let server = rules::deletable_server(&load_for(db, event).await?, id)?;
    db.execute(&DELETE, values! { id }).await?;
    finish(db, event).await?;
    Ok(server)
}

/// Adds a scope to a resource server.
pub async fn insert_scope<S: SqlTransaction>(
    db: &S,
    server: ResourceServerId,
    new: &NewScope,
    event: &NewAuditEvent,
) -> ScopeChange<S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO scopes (resource_server_id, name, description, risk, assignment, implies, created_at, updated_at)
        VALUES (:server, :name, :description, :risk, :assignment, :implies, :at, :at) RETURNING id",
    );
    rules::scope_may_be_added(&load_for(db, event).await?, server, new)?;
    let NewScope { name, description, risk, assignment, implies } = new;
    let (risk, assignment) = (risk.as_str(), assignment_to_column(*assignment));
    let implies = implied_to_column(implies);
    let row = values! { server, name, description, risk, assignment, implies, at: event.at };
    let id = db.value(&INSERT, row).await?;
    finish(db, event).await?;
    Ok(rules::added_scope(id, server, new, event.at))
}

/// Replaces the content of a scope.
pub async fn update_scope<S: SqlTransaction>(
    db: &S,
    server: ResourceServerId,
    id: ScopeId,
    new: &NewScope,
    event: &NewAuditEvent,
) -> ScopeChange<S> {
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE scopes SET name = :name, description = :description, risk = :risk, assignment = :assignment,
            implies = :implies, updated_at = :at
        WHERE id = :id",
    );
    let scope = rules::changed_scope(&load_for(db, event).await?, server, id, new, event.at)?;
    let NewScope { name, description, risk, assignment, implies } = new;
    let (risk, assignment) = (risk.as_str(), assignment_to_column(*assignment));
    let implies = implied_to_column(implies);
    let row = values! { name, description, risk, assignment, implies, at: event.at, id };
    db.execute(&UPDATE, row).await?;
    finish(db, event).await?;
    Ok(scope)
}

/// Deletes a scope for which no application is registered and that no other implies, and returns it.
pub async fn delete_scope<S: SqlTransaction>(
    db: &S,
    server: ResourceServerId,
    id: ScopeId,
    event: &NewAuditEvent,
) -> ScopeChange<S> {
    static REGISTERED: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM applications WHERE further_scopes IS NOT NULL
            AND ',' || substr(further_scopes, 2, length(further_scopes) - 2) || ',' LIKE :pattern",
    );
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM scopes WHERE id = :id");
    let registry = load_for(db, event).await?;
    let registered: u32 = db.value(&REGISTERED, values! { pattern: format!("%,{id},%") }).await?;
    let scope = rules::deletable_scope(&registry, server, id, registered.into())?;
    db.execute(&DELETE, values! { id }).await?;
    finish(db, event).await?;
    Ok(scope)
}

/// Checks that the scopes that an application gains have not been deleted.
pub async fn gained_scopes_exist<S: SqlTransaction>(
    db: &S,
    before: &ScopeSet,
    after: &ScopeSet,
) -> Change<(), S, ApplicationRefusal> {
    static EXISTING: NamedStatement = NamedStatement::new("SELECT id FROM scopes WHERE id IN {each :gained}");
    let gained = rules::gained_scopes(before, after);
    if gained.is_empty() {
        return Ok(());
    }
    let existing: Vec<ScopeId> = db.list(&EXISTING, values! { gained: gained.as_slice() }).await?;
    Ok(rules::gained_scopes_exist(&gained, existing.len())?)
}

impl Record for ResourceServer {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            identifier: row.read()?,
            name: row.read()?,
            created_at: row.read()?,
            updated_at: row.read()?,
        })
    }
}

impl Record for Scope {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            resource_server: row.read()?,
            name: row.read()?,
            description: row.read()?,
            risk: risk_from_column(&row.read::<Cow<'_, str>>()?)?,
            assignment: assignment_from_column(row.read()?),
            implies: implied_from_column(row.read::<Option<Cow<'_, str>>>()?.as_deref())?,
            created_at: row.read()?,
            updated_at: row.read()?,
        })
    }
}

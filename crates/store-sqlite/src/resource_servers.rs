//! Resource servers and their scopes.

use domain::audit::NewAuditEvent;
use domain::id::{ResourceServerId, ScopeId};
use oauth::scope::{NewResourceServer, NewScope, ResourceServer, Scope, ScopeRegistry};
use store::relational::{judged, resource_servers, run_ready};
use store::{Answer, Judged, ResourceServerRefusal, ResourceServers};

use crate::tables::Tables;
use crate::{SqliteStore, sql};

impl ResourceServers for SqliteStore {
    fn scope_registry(&self) -> Answer<'_, ScopeRegistry> {
        self.read(|db| {
            sql::run(db, "BEGIN")?;
            let registry = run_ready(resource_servers::load(&Tables(db)));
            sql::run(db, "COMMIT")?;
            registry
        })
    }

    fn insert_resource_server(
        &self,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        self.write(move |db| run_ready(judged(resource_servers::insert_server(&Tables(db), &new, &audit))))
    }

    fn update_resource_server(
        &self,
        id: ResourceServerId,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        self.write(move |db| {
            run_ready(judged(resource_servers::update_server(&Tables(db), id, &new, &audit)))
        })
    }

    fn delete_resource_server(
        &self,
        id: ResourceServerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        self.write(move |db| run_ready(judged(resource_servers::delete_server(&Tables(db), id, &audit))))
    }

    fn insert_scope(
        &self,
        server: ResourceServerId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        self.write(move |db| {
            run_ready(judged(resource_servers::insert_scope(&Tables(db), server, &new, &audit)))
        })
    }

    fn update_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        self.write(move |db| {
            run_ready(judged(resource_servers::update_scope(&Tables(db), server, id, &new, &audit)))
        })
    }

    fn delete_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        self.write(move |db| {
            run_ready(judged(resource_servers::delete_scope(&Tables(db), server, id, &audit)))
        })
    }
}

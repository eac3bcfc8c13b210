//! Resource servers and their scopes: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::{ResourceServerId, ScopeId};
use oauth::scope::{NewResourceServer, NewScope, ResourceServer, Scope, ScopeRegistry};
use store::relational::{judged, resource_servers};
use store::{Answer, Judged, ResourceServerRefusal, ResourceServers};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl ResourceServers for PostgresStore {
    fn scope_registry(&self) -> Answer<'_, ScopeRegistry> {
        read!(self, db => resource_servers::load(&Tables(db)))
    }

    fn insert_resource_server(
        &self,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::insert_server(&Tables(db), &new, &audit)))
    }

    fn update_resource_server(
        &self,
        id: ResourceServerId,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::update_server(&Tables(db), id, &new, &audit)))
    }

    fn delete_resource_server(
        &self,
        id: ResourceServerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::delete_server(&Tables(db), id, &audit)))
    }

    fn insert_scope(
        &self,
        server: ResourceServerId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::insert_scope(&Tables(db), server, &new, &audit)))
    }

    fn update_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::update_scope(&Tables(db), server, id, &new, &audit)))
    }

    fn delete_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>> {
        serialized!(self, db => judged(resource_servers::delete_scope(&Tables(db), server, id, &audit)))
    }
}

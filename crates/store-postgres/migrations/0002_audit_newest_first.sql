-- The audit log is read newest first, which is in the order of its ids: an index that ends with them answers a page of it
-- without sorting all that one person has ever done, or all of one kind.
--
-- Its statements run one by one outside a transaction, and nobody waits for them. Each may run again: the first of each
-- pair takes away what an interrupted one has left.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_newest_by_action;
CREATE INDEX CONCURRENTLY audit_events_newest_by_action ON audit_events (action, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_events_newest_by_actor;
CREATE INDEX CONCURRENTLY audit_events_newest_by_actor ON audit_events (folded_actor, id)
    WHERE folded_actor IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_newest_by_application;
CREATE INDEX CONCURRENTLY audit_events_newest_by_application ON audit_events (application_id, id)
    WHERE application_id IS NOT NULL;

-- The new ones answer whatever these did, for the version before as well.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_by_action;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_by_actor;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_by_application;

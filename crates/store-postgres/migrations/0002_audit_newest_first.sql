-- The audit log is read newest first, which is in the order of its ids: an index that ends with them answers a page of it
-- without sorting all that one person has ever done, or all of one kind.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_newest_by_action ON audit_events (action, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_newest_by_actor ON audit_events (folded_actor, id)
    WHERE folded_actor IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_newest_by_application ON audit_events (application_id, id)
    WHERE application_id IS NOT NULL;

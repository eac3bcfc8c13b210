-- The user whose account an event concerns, for the events that users see of their own account.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE audit_events IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE audit_events ADD COLUMN IF NOT EXISTS account_id BIGINT;

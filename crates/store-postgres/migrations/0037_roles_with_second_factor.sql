-- Whether the users of the role must have a second factor.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE roles IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE roles ADD COLUMN IF NOT EXISTS requires_second_factor BOOLEAN NOT NULL DEFAULT FALSE;

-- Whether readers must have signed in with a second factor.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE data_sources ADD COLUMN IF NOT EXISTS requires_second_factor BOOLEAN NOT NULL DEFAULT FALSE;

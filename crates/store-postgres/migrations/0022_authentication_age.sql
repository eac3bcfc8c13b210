-- The longest time since the sign-in of a reader, in seconds; absent if any is good enough.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE data_sources ADD COLUMN IF NOT EXISTS max_authentication_age BIGINT;

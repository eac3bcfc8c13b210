-- The secret options of a data source, sealed: JSON, by key. It is absent if there are none.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE data_sources ADD COLUMN IF NOT EXISTS sealed_options TEXT;

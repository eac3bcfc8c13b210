-- The data sources that a consent reaches: a JSON object; absent if it reaches all that the user may read.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE consents IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE consents ADD COLUMN IF NOT EXISTS data TEXT;

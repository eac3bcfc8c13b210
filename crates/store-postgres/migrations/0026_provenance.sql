-- How a stored authorization request came, as far as its parameters do not say so: a JSON object; absent if there is nothing to say.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE pushed_requests IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE pushed_requests ADD COLUMN IF NOT EXISTS provenance TEXT;

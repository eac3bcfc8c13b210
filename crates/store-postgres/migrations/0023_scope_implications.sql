-- The numbers of the scopes that a scope implies, as a JSON array; absent if there are none.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE scopes IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE scopes ADD COLUMN IF NOT EXISTS implies TEXT;

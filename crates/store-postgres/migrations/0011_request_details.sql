-- Client metadata beyond the members of Hybrid Data Pipeline, and what a grant keeps of its request besides scopes: a JSON object
-- each; absent if every member has its default.
-- The comments take locks behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE applications IS NULL;
COMMENT ON TABLE grants IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE applications ADD COLUMN IF NOT EXISTS client_metadata TEXT;
ALTER TABLE grants ADD COLUMN IF NOT EXISTS details TEXT;

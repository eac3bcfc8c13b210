-- Who made what was handed over to another owner when that user was deleted, and when. Both are absent where the owner made it.
-- The comments take locks behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE applications IS NULL;
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE applications
    ADD COLUMN IF NOT EXISTS created_by TEXT,
    ADD COLUMN IF NOT EXISTS handed_over_at BIGINT;
ALTER TABLE data_sources
    ADD COLUMN IF NOT EXISTS created_by TEXT,
    ADD COLUMN IF NOT EXISTS handed_over_at BIGINT;

-- How a grant was created. It is absent in rows of versions that do not know the column: those show it by their code.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE grants IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE grants ADD COLUMN IF NOT EXISTS origin BIGINT;

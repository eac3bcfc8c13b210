-- How the owner of a data source shapes what is served: a JSON document. The version grows with each change, also when the document is deleted.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE data_sources ADD COLUMN IF NOT EXISTS model_version BIGINT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS data_source_models (
    data_source_id BIGINT PRIMARY KEY REFERENCES data_sources (id) ON DELETE CASCADE,
    document TEXT NOT NULL
);

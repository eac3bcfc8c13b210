-- The name and the password that each user has stored for the database of a data source, sealed together.
-- The comments take locks behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
COMMENT ON TABLE users IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
CREATE TABLE IF NOT EXISTS data_source_credentials (
    data_source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    PRIMARY KEY (data_source_id, user_id)
);
CREATE INDEX IF NOT EXISTS data_source_credentials_by_user ON data_source_credentials (user_id);

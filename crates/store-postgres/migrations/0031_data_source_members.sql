-- The data sources that a group serves at its address, each with the prefix of its entity sets.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
CREATE TABLE IF NOT EXISTS data_source_members (
    group_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    member_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    prefix TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX IF NOT EXISTS data_source_members_by_member ON data_source_members (member_id);

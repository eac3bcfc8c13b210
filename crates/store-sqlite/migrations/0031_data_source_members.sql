-- The data sources that a group serves at its address, each with the prefix of its entity sets.
CREATE TABLE data_source_members (
    group_id INTEGER NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    member_id INTEGER NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    prefix TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX data_source_members_by_member ON data_source_members (member_id);

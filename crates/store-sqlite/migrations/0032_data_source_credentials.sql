-- The name and the password that each user has stored for the database of a data source, sealed together.
CREATE TABLE data_source_credentials (
    data_source_id INTEGER NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    PRIMARY KEY (data_source_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX data_source_credentials_by_user ON data_source_credentials (user_id);

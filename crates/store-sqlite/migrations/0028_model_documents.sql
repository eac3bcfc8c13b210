-- How the owner of a data source shapes what is served: a JSON document. The version grows with each change, also when the document is deleted.
ALTER TABLE data_sources ADD COLUMN model_version INTEGER NOT NULL DEFAULT 0;
CREATE TABLE data_source_models (
    data_source_id INTEGER PRIMARY KEY REFERENCES data_sources (id) ON DELETE CASCADE,
    document TEXT NOT NULL
) STRICT;

-- The list of origins that an administrator trusts.
CREATE TABLE trusted_origins (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    domain      TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    modified_by TEXT NOT NULL,
    modified_at INTEGER NOT NULL
) STRICT;

-- What an application names besides its redirect URLs, and the origins of both, so that one can be looked up.
ALTER TABLE applications ADD COLUMN cors_origins TEXT NOT NULL DEFAULT '[]';

CREATE TABLE application_origins (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    origin         TEXT NOT NULL
) STRICT;

CREATE INDEX application_origins_by_application ON application_origins (application_id);
CREATE INDEX application_origins_by_origin ON application_origins (origin);

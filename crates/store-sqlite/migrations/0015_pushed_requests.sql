-- Authorization requests that clients pushed (RFC 9126), until they are answered or expire. Only a digest of the reference is stored.
CREATE TABLE pushed_requests (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    digest         BLOB NOT NULL,
    application_id INTEGER NOT NULL,
    parameters     TEXT NOT NULL,
    pushed_at      INTEGER NOT NULL,
    opened_at      INTEGER,
    expires_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

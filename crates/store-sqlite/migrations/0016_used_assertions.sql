-- Assertions that clients have used, until they expire. Each may be used once (RFC 7523 section 3, item 7).
CREATE TABLE used_assertions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at);

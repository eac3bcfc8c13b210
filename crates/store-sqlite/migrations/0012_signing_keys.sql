-- Keys for signatures that others verify. The private half is sealed under the master key.
CREATE TABLE signing_keys (
    id           INTEGER PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;

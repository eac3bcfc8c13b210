-- Keys for signatures that others verify, whose private half is in a signer outside of the server. The public half is sealed
-- under the master key, so that whoever can only write to this table cannot publish a key.
CREATE TABLE external_signing_keys (
    id           INTEGER PRIMARY KEY,
    key_id       TEXT NOT NULL UNIQUE,
    algorithm    TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;

-- Keys for signatures that others verify. The private half is sealed under the master key.
CREATE TABLE IF NOT EXISTS signing_keys (
    id           BIGINT PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    sealed       BYTEA NOT NULL
);

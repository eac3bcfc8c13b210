-- Clients that registered themselves (RFC 7591), each with the digest of the token by which it manages its registration
-- (RFC 7592).
CREATE TABLE client_registrations (
    application_id INTEGER PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
    token_digest   BLOB NOT NULL,
    registered_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX client_registrations_by_time ON client_registrations (registered_at);

-- Tokens that allow clients to register themselves (RFC 7591 section 3).
CREATE TABLE initial_access_tokens (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    digest      BLOB NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    most_uses   INTEGER,
    uses        INTEGER NOT NULL
) STRICT;

-- Other servers whose assertions and access tokens are accepted. The settings are a JSON object.
CREATE TABLE trusted_issuers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer     TEXT NOT NULL UNIQUE,
    settings   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- By the mail address, because some issuers name users by it.
CREATE INDEX users_by_email ON users (lower(json_extract(attributes, '$.email'))) WHERE attributes IS NOT NULL;

-- Tokens that users make for programs which cannot sign in. `scopes` are bits; `data` is a JSON object, as in `consents`.
CREATE TABLE personal_access_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_epoch   INTEGER NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    scopes       INTEGER NOT NULL,
    data         TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX personal_access_tokens_by_user ON personal_access_tokens (user_id);
CREATE INDEX personal_access_tokens_by_expiry ON personal_access_tokens (expires_at);

-- Links by which a person chooses the password of an account once, without the current one. Only a keyed digest of the secret
-- is stored. They end with the user whose account it is, and with the user who made them.
CREATE TABLE one_time_links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_epoch  INTEGER NOT NULL,
    digest      BLOB NOT NULL UNIQUE,
    purpose     TEXT NOT NULL,
    created_by  INTEGER REFERENCES users (id) ON DELETE CASCADE,
    sent_to     TEXT,
    continue_to TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX one_time_links_by_user ON one_time_links (user_id);
CREATE INDEX one_time_links_by_creator ON one_time_links (created_by);
CREATE INDEX one_time_links_by_expiry ON one_time_links (expires_at);

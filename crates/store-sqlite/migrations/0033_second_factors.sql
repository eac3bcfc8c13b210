-- The second factor of a user: the sealed secret of time-based codes, and the latest step whose code was accepted.
CREATE TABLE second_factors (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret     BLOB NOT NULL,
    last_step  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The recovery codes that were not used yet, as keyed digests.
CREATE TABLE recovery_codes (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL
) STRICT;

CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id);

-- Whether the user of the session showed a second factor.
ALTER TABLE sessions ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;

-- Times are microseconds since the Unix epoch, UTC. Ids that are never given twice are AUTOINCREMENT. An `epoch` counts
-- how often all access of its row was ended; it stands early in the row because founding a grant reads it.

CREATE TABLE users (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch               INTEGER NOT NULL,
    active              INTEGER NOT NULL CHECK (active IN (0, 1)),
    name                TEXT NOT NULL,
    folded_name         TEXT NOT NULL UNIQUE,
    password            TEXT NOT NULL,
    password_expires_at INTEGER,
    failures            INTEGER NOT NULL DEFAULT 0,
    failures_since      INTEGER,
    locked_until        INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

-- `permissions` is a set: bit n stands for permission n.
CREATE TABLE roles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    folded_name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    permissions INTEGER NOT NULL
) STRICT;

-- The built-in roles: Administrator with every permission; User with those over data sources, pages, the own password,
-- the management API and OAuth.
INSERT INTO roles (id, name, folded_name, description, permissions) VALUES
    (1, 'Administrator', 'administrator', 'May do everything', 985660318),
    (2, 'User', 'user', 'May use the server', 268438430);

CREATE TABLE user_roles (
    user_id INTEGER NOT NULL REFERENCES users (id),
    role_id INTEGER NOT NULL REFERENCES roles (id),
    PRIMARY KEY (user_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_roles_by_role ON user_roles (role_id);

-- Not bound to `users` by a foreign key: a sign-in that loses against the deletion of its user leaves a session that
-- nobody can use and that expires.
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL,
    user_epoch INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    auth_time  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE applications (
    id                         INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch                      INTEGER NOT NULL,
    client_id                  TEXT NOT NULL UNIQUE,
    owner_id                   INTEGER NOT NULL REFERENCES users (id),
    name                       TEXT NOT NULL,
    folded_name                TEXT NOT NULL,
    description                TEXT NOT NULL,
    folded_description         TEXT NOT NULL,
    redirect_urls              TEXT NOT NULL,
    profile                    TEXT NOT NULL,
    client_type                TEXT NOT NULL,
    grant_types                TEXT NOT NULL,
    scopes                     INTEGER NOT NULL,
    token_format               TEXT NOT NULL,
    access_token_lifetime_secs INTEGER,
    contacts                   TEXT NOT NULL,
    logo_url                   TEXT,
    created_at                 INTEGER NOT NULL,
    updated_at                 INTEGER NOT NULL,
    last_used_at               INTEGER
) STRICT;

CREATE INDEX applications_by_owner ON applications (owner_id);

CREATE TABLE secrets (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    digest         BLOB NOT NULL,
    hint           TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    last_used_at   INTEGER,
    sealed         BLOB
) STRICT;

CREATE INDEX secrets_by_application ON secrets (application_id);
CREATE INDEX secrets_by_expiry ON secrets (expires_at) WHERE expires_at IS NOT NULL;

-- Consents and grants are bound to their application and user by epoch, not by foreign key: growing one number ends a
-- million of them at once, and purging deletes the rows later, in batches.
CREATE TABLE consents (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id           INTEGER NOT NULL,
    application_id    INTEGER NOT NULL,
    user_epoch        INTEGER NOT NULL,
    application_epoch INTEGER NOT NULL,
    scopes            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    UNIQUE (user_id, application_id)
) STRICT;

CREATE TABLE grants (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id    INTEGER NOT NULL,
    application_epoch INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    user_epoch        INTEGER NOT NULL,
    code_id           BLOB,
    scopes            INTEGER NOT NULL,
    refreshable       INTEGER NOT NULL,
    generation        INTEGER NOT NULL,
    rotated_at        INTEGER,
    key               INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    last_used_at      INTEGER,
    expires_at        INTEGER,
    revoked_at        INTEGER
) STRICT;

-- A code founds one grant. The ids begin with time, so new ones go to the right-hand end.
CREATE UNIQUE INDEX grants_by_code ON grants (code_id) WHERE code_id IS NOT NULL;
CREATE INDEX grants_by_user ON grants (user_id, application_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_by_expiry ON grants (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX grants_by_revocation ON grants (revoked_at) WHERE revoked_at IS NOT NULL;

-- `seq` comes from `versions.revocations`, so that the feed has no gaps.
CREATE TABLE revocations (
    seq            INTEGER PRIMARY KEY,
    kind           INTEGER NOT NULL,
    token_id       BLOB,
    grant_id       INTEGER,
    user_id        INTEGER,
    application_id INTEGER,
    epoch          INTEGER,
    at             INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX revocations_by_expiry ON revocations (expires_at);

CREATE TABLE data_sources (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    folded_name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    data_store  INTEGER NOT NULL,
    options     TEXT NOT NULL,
    owner_id    INTEGER NOT NULL REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX data_sources_by_owner ON data_sources (owner_id);

CREATE TABLE data_source_shares (
    data_source_id INTEGER NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (data_source_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX data_source_shares_by_user ON data_source_shares (user_id);

CREATE TABLE limits (
    id    INTEGER PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE ring_keys (
    id           INTEGER PRIMARY KEY,
    created_at   INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;

CREATE TABLE audit_events (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             INTEGER NOT NULL,
    action         TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    actor_id       INTEGER,
    actor_name     TEXT,
    folded_actor   TEXT,
    application_id INTEGER,
    subject        TEXT,
    detail         TEXT,
    address        TEXT,
    request_id     TEXT
) STRICT;

CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_action ON audit_events (action);
CREATE INDEX audit_events_by_actor ON audit_events (folded_actor) WHERE folded_actor IS NOT NULL;
CREATE INDEX audit_events_by_application ON audit_events (application_id) WHERE application_id IS NOT NULL;

-- One row: how often each kind of thing has changed.
CREATE TABLE versions (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    users        INTEGER NOT NULL,
    roles        INTEGER NOT NULL,
    applications INTEGER NOT NULL,
    data_sources INTEGER NOT NULL,
    limits       INTEGER NOT NULL,
    keys         INTEGER NOT NULL,
    revocations  INTEGER NOT NULL
) STRICT;

INSERT INTO versions VALUES (1, 0, 0, 0, 0, 0, 0, 0);

-- Passes over `grants` and `consents` in search of rows that an epoch has left behind. A pass is due when `requested` is
-- ahead of `started`; it has got to `cursor` and ends at `until`.
CREATE TABLE sweeps (
    id        INTEGER PRIMARY KEY,
    requested INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    cursor    INTEGER NOT NULL,
    until     INTEGER NOT NULL
) STRICT;

INSERT INTO sweeps VALUES (1, 0, 0, 0, 0), (2, 0, 0, 0, 0);

-- Written to find out whether writing works.
CREATE TABLE probes (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    written INTEGER NOT NULL
) STRICT;

INSERT INTO probes VALUES (1, 0);

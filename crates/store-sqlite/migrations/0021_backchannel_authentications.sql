-- Requests of clients to users whom they name (CIBA), with the digest of `auth_req_id`. `decision` is absent until the
-- user decides: 1 allows, 2 denies. `code_id` goes to the grant, so that a request creates one grant only. Not bound to
-- `applications` and `users` by foreign keys: a row is good as long as their epochs are those that it names, and expires
-- within minutes.
CREATE TABLE backchannel_authentications (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    digest            BLOB NOT NULL UNIQUE,
    code_id           BLOB NOT NULL,
    application_id    INTEGER NOT NULL,
    application_epoch INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    user_epoch        INTEGER NOT NULL,
    scopes            INTEGER NOT NULL,
    further_scopes    TEXT,
    details           TEXT,
    binding_message   TEXT,
    max_age_secs      INTEGER,
    address           TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    polled_at         INTEGER,
    decision          INTEGER,
    consent_id        INTEGER
) STRICT;

CREATE INDEX backchannel_authentications_by_expiry ON backchannel_authentications (expires_at);
CREATE INDEX backchannel_authentications_by_user ON backchannel_authentications (user_id, expires_at);

-- Requests of devices (RFC 8628), with digests of the device code and of the code for people. `decision` is absent until
-- the user decides: 1 allows, 2 denies. `code_id` goes to the grant, so that a device code creates one grant only. Not
-- bound to `applications` and `users` by foreign keys: a row is good as long as their epochs are those that it names, and
-- expires within minutes.
CREATE TABLE device_authorizations (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    device_digest     BLOB NOT NULL UNIQUE,
    user_digest       BLOB NOT NULL UNIQUE,
    code_id           BLOB NOT NULL,
    application_id    INTEGER NOT NULL,
    application_epoch INTEGER NOT NULL,
    scopes            INTEGER NOT NULL,
    further_scopes    TEXT,
    details           TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    polled_at         INTEGER,
    decision          INTEGER,
    user_id           INTEGER,
    user_epoch        INTEGER,
    consent_id        INTEGER
) STRICT;

CREATE INDEX device_authorizations_by_expiry ON device_authorizations (expires_at);
CREATE INDEX device_authorizations_by_application ON device_authorizations (application_id, expires_at);

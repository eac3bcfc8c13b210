-- Resource servers and their scopes. The first rows are built in. The numbers below 100 are kept for scopes that later
-- versions build in. `assignment` is the permission that is needed to assign the scope; without one, anyone may.
CREATE TABLE resource_servers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

INSERT INTO resource_servers VALUES (1, 'sluicegate', 'Sluicegate', 0, 0);

CREATE TABLE scopes (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_server_id INTEGER NOT NULL REFERENCES resource_servers (id),
    name               TEXT NOT NULL UNIQUE,
    description        TEXT NOT NULL,
    risk               TEXT NOT NULL,
    assignment         INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL
) STRICT;

CREATE INDEX scopes_by_resource_server ON scopes (resource_server_id);

INSERT INTO scopes VALUES
    (1, 1, 'api.access.odata', 'Allow data access via OData', 'elevated', NULL, 0, 0),
    (2, 1, 'api.mgmt', 'Allow managing Sluicegate on your behalf', 'high', 12, 0, 0),
    (3, 1, 'token.introspect', 'Allow asking about tokens of every application', 'high', 12, 0, 0);

UPDATE sqlite_sequence SET seq = 99 WHERE name = 'scopes';

-- The numbers of scopes that are not built in, as a JSON array; absent if there are none. `scopes` keeps the built-in ones.
ALTER TABLE applications ADD COLUMN further_scopes TEXT;
ALTER TABLE consents ADD COLUMN further_scopes TEXT;
ALTER TABLE grants ADD COLUMN further_scopes TEXT;

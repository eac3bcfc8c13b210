-- From which addresses the installation (owner_kind 0, owner_id 0), a user (1) or an application (2) may be used.
CREATE TABLE allow_lists (
    owner_kind INTEGER NOT NULL,
    owner_id   INTEGER NOT NULL,
    lists      TEXT NOT NULL,
    PRIMARY KEY (owner_kind, owner_id)
) STRICT;

-- From which addresses the installation (owner_kind 0, owner_id 0), a user (1) or an application (2) may be used.
CREATE TABLE IF NOT EXISTS allow_lists (
    owner_kind BIGINT NOT NULL,
    owner_id   BIGINT NOT NULL,
    lists      TEXT NOT NULL,
    PRIMARY KEY (owner_kind, owner_id)
);

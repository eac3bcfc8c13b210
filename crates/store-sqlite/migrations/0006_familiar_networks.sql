-- The networks from which a user signed in lately, with the failures from there: those from anywhere else are counted in
-- `users`. A row is good as long as the user's epoch is the one that it names. `network` is an IPv4 address or the /64 of
-- an IPv6 address. Not bound to `users` by a foreign key: what a sign-in leaves that loses against the deletion of its user
-- goes with time.
CREATE TABLE familiar_networks (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id        INTEGER NOT NULL,
    user_epoch     INTEGER NOT NULL,
    network        TEXT NOT NULL,
    succeeded_at   INTEGER NOT NULL,
    failures       INTEGER NOT NULL DEFAULT 0,
    failures_since INTEGER,
    locked_until   INTEGER,
    UNIQUE (user_id, network)
) STRICT;

CREATE INDEX familiar_networks_by_success ON familiar_networks (succeeded_at);

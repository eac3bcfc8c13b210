-- Mail that waits to be sent, sealed under the master key: each contains a one-time link, and ends with it. A row is due at
-- `due_at`; whoever claims it moves that time forward and counts the attempt.
CREATE TABLE mails (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id    INTEGER NOT NULL REFERENCES one_time_links (id) ON DELETE CASCADE,
    sealed     BLOB NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX mails_by_link ON mails (link_id);
CREATE INDEX mails_by_due ON mails (due_at);

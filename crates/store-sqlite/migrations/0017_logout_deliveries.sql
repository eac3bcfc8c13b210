-- Logout tokens that are still to be delivered to applications (OpenID Connect Back-Channel Logout 1.0). A row is due at
-- `due_at`; whoever claims it moves that time forward and counts the attempt. The seed is that of the user, who may be
-- deleted meanwhile. A row whose application was deleted is dropped when it is due.
CREATE TABLE logout_deliveries (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL,
    user_id        INTEGER NOT NULL,
    subject_seed   TEXT NOT NULL,
    sid            TEXT,
    attempts       INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX logout_deliveries_by_due ON logout_deliveries (due_at);
CREATE INDEX logout_deliveries_by_application ON logout_deliveries (application_id, due_at);

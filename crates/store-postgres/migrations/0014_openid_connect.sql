-- The scopes of OpenID Connect.
INSERT INTO scopes (id, resource_server_id, name, description, risk, assignment, created_at, updated_at) VALUES
    (4, 1, 'openid', 'Confirm who you are', 'low', NULL, 0, 0),
    (5, 1, 'profile', 'See your name, picture and other profile details', 'elevated', NULL, 0, 0),
    (6, 1, 'email', 'See your email address', 'elevated', NULL, 0, 0),
    (7, 1, 'address', 'See your postal address', 'elevated', NULL, 0, 0),
    (8, 1, 'phone', 'See your telephone number', 'elevated', NULL, 0, 0),
    (9, 1, 'offline_access', 'Keep its access while you are not using it', 'elevated', NULL, 0, 0)
ON CONFLICT DO NOTHING;

-- What is known about a person, as a JSON object; absent if nothing is. The seed is the source of the identifiers of a user:
-- random, given once, never changed. The default also serves nodes of the previous version.
-- The comments take locks behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE users IS NULL;
COMMENT ON TABLE sessions IS NULL;
COMMENT ON TABLE applications IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE users ADD COLUMN IF NOT EXISTS attributes TEXT;
ALTER TABLE users ADD COLUMN IF NOT EXISTS subject_seed TEXT NOT NULL DEFAULT '';
ALTER TABLE users ALTER COLUMN subject_seed SET DEFAULT replace(CAST(gen_random_uuid() AS text), '-', '');
UPDATE users SET subject_seed = DEFAULT WHERE subject_seed = '';

-- The name of a session for applications, which survives a repeated sign-in of the same user in the same browser; absent in
-- sessions that the previous version opened.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS sid TEXT;

-- The applications that received an ID token in a session and want to know when it ends.
CREATE TABLE IF NOT EXISTS session_applications (
    session_id     BIGINT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    application_id BIGINT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    PRIMARY KEY (session_id, application_id)
);

CREATE INDEX IF NOT EXISTS session_applications_by_application ON session_applications (application_id);

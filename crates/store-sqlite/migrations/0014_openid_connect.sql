-- The scopes of OpenID Connect.
INSERT INTO scopes VALUES
    (4, 1, 'openid', 'Confirm who you are', 'low', NULL, 0, 0),
    (5, 1, 'profile', 'See your name, picture and other profile details', 'elevated', NULL, 0, 0),
    (6, 1, 'email', 'See your email address', 'elevated', NULL, 0, 0),
    (7, 1, 'address', 'See your postal address', 'elevated', NULL, 0, 0),
    (8, 1, 'phone', 'See your telephone number', 'elevated', NULL, 0, 0),
    (9, 1, 'offline_access', 'Keep its access while you are not using it', 'elevated', NULL, 0, 0);

-- What is known about a person, as a JSON object; absent if nothing is. The seed is the source of the identifiers of a user:
-- random, given once, never changed.
ALTER TABLE users ADD COLUMN attributes TEXT;
ALTER TABLE users ADD COLUMN subject_seed TEXT NOT NULL DEFAULT '';
UPDATE users SET subject_seed = lower(hex(randomblob(16)));
CREATE TRIGGER users_subject_seed AFTER INSERT ON users WHEN NEW.subject_seed = '' BEGIN
    UPDATE users SET subject_seed = lower(hex(randomblob(16))) WHERE id = NEW.id;
END;

-- The name of a session for applications, which survives a repeated sign-in of the same user in the same browser; absent in
-- sessions that the previous version opened.
ALTER TABLE sessions ADD COLUMN sid TEXT;

-- The applications that received an ID token in a session and want to know when it ends.
CREATE TABLE session_applications (
    session_id     INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    PRIMARY KEY (session_id, application_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_applications_by_application ON session_applications (application_id);

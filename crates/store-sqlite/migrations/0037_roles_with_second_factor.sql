-- Whether the users of the role must have a second factor.
ALTER TABLE roles ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 0;

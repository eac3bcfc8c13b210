-- Whether readers must have signed in with a second factor.
ALTER TABLE data_sources ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 0;

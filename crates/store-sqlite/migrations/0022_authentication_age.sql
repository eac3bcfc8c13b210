-- The longest time since the sign-in of a reader, in seconds; absent if any is good enough.
ALTER TABLE data_sources ADD COLUMN max_authentication_age INTEGER;

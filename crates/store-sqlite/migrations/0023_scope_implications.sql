-- The numbers of the scopes that a scope implies, as a JSON array; absent if there are none.
ALTER TABLE scopes ADD COLUMN implies TEXT;

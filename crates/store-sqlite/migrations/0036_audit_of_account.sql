-- The events of an account are read newest first, a page at a time.
CREATE INDEX audit_events_of_account ON audit_events (account_id, id) WHERE account_id IS NOT NULL;

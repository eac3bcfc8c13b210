-- The user whose account an event concerns, for the events that users see of their own account.
ALTER TABLE audit_events ADD COLUMN account_id INTEGER;

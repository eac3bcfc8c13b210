-- The scope that reads data and never changes any.
INSERT INTO scopes (id, resource_server_id, name, description, risk, assignment, created_at, updated_at) VALUES
    (11, 1, 'api.access.odata.read', 'Read data via OData', 'elevated', NULL, 0, 0)
ON CONFLICT DO NOTHING;

-- Whether data may be changed over OData. The default also serves nodes of the previous version.
-- The comment takes a lock behind which nobody waits, and for which autovacuum gives way after a second.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE data_sources IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
ALTER TABLE data_sources ADD COLUMN IF NOT EXISTS writable BOOLEAN NOT NULL DEFAULT false;

-- Whether data may be changed over OData.
ALTER TABLE data_sources ADD COLUMN writable INTEGER NOT NULL DEFAULT 0;

-- The scope that reads data and never changes any.
INSERT INTO scopes (id, resource_server_id, name, description, risk, assignment, created_at, updated_at) VALUES
    (11, 1, 'api.access.odata.read', 'Read data via OData', 'elevated', NULL, 0, 0);

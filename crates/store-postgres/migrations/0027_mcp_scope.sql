-- The scope of the tools of the Model Context Protocol.
INSERT INTO scopes (id, resource_server_id, name, description, risk, assignment, created_at, updated_at) VALUES
    (10, 1, 'mcp.read', 'Read data for an AI assistant', 'elevated', NULL, 0, 0)
ON CONFLICT DO NOTHING;

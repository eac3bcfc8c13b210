-- Client metadata beyond the members of Hybrid Data Pipeline, and what a grant keeps of its request besides scopes: a JSON object
-- each; absent if every member has its default.
ALTER TABLE applications ADD COLUMN client_metadata TEXT;
ALTER TABLE grants ADD COLUMN details TEXT;

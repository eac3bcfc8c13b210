-- Whether any user has allowed an application.
CREATE INDEX CONCURRENTLY IF NOT EXISTS consents_by_application ON consents (application_id);

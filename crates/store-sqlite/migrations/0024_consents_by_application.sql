-- Whether any user has allowed an application.
CREATE INDEX consents_by_application ON consents (application_id);

-- Those of the step before answer whatever these did, for the version before as well.
DROP INDEX audit_events_by_action;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_application;

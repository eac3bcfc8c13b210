-- Those of the step before answer whatever these did, for the version before as well.
--
-- To comment takes a lock behind which no writer waits, and for which autovacuum gives way after a second. What is left to
-- wait for are the transactions that write at this moment.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '4s';
COMMENT ON TABLE audit_events IS NULL;
SET LOCAL lock_timeout = '500ms';
SET LOCAL statement_timeout = '1s';
DROP INDEX audit_events_by_action;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_application;

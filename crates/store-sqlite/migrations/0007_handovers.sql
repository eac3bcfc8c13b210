-- Who made what was handed over to another owner when that user was deleted, and when. Both are absent where the owner made it.
ALTER TABLE applications ADD COLUMN created_by TEXT;
ALTER TABLE applications ADD COLUMN handed_over_at INTEGER;
ALTER TABLE data_sources ADD COLUMN created_by TEXT;
ALTER TABLE data_sources ADD COLUMN handed_over_at INTEGER;

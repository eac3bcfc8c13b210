-- The data sources that a consent reaches: a JSON object; absent if it reaches all that the user may read.
ALTER TABLE consents ADD COLUMN data TEXT;

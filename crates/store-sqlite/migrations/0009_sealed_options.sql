-- The secret options of a data source, sealed: JSON, by key. It is absent if there are none.
ALTER TABLE data_sources ADD COLUMN sealed_options TEXT;

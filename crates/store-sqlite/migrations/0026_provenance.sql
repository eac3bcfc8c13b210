-- How a stored authorization request came, as far as its parameters do not say so: a JSON object; absent if there is nothing to say.
ALTER TABLE pushed_requests ADD COLUMN provenance TEXT;

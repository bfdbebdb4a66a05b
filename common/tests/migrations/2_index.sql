-- no-transaction
-- An index that holds nobody up.
CREATE INDEX CONCURRENTLY things_name_idx ON things (name);

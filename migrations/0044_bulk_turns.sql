-- no-transaction
-- Organisations take turns: the next one, and its oldest envelope; express has its part of the index, which a million others do not lengthen.
CREATE INDEX CONCURRENTLY spool_turns_idx ON spool (bulk_of, spool_id);

-- The spool's second lane: what exceeds an organisation's share waits here while others have work. An ingest of an earlier version
-- writes none, and a worker of an earlier version takes all envelopes in the order of their numbers.

SET LOCAL lock_timeout = '2s';
ALTER TABLE spool ADD COLUMN bulk_of bigint;
COMMENT ON COLUMN spool.bulk_of IS 'Of whose bulk it is, 0 where nobody knows the organisation. NULL: express, of several.';

-- Barriers of workers that know of bulk. Those of an earlier version set and pass others, which say nothing of it.
ALTER TABLE barrier ADD COLUMN bulk_number bigint NOT NULL DEFAULT 0;
ALTER TABLE barrier ADD COLUMN bulk_passed bigint NOT NULL DEFAULT 0;
ALTER TABLE barrier ADD COLUMN bulk_spool_id bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN barrier.bulk_number IS 'The last barrier for which the consumers of both queues were counted.';
COMMENT ON COLUMN barrier.bulk_passed IS 'The last of these that was passed.';
COMMENT ON COLUMN barrier.bulk_spool_id IS 'The last envelope of the spool when it was passed: who waits asks for its organisation''s bulk up to it.';

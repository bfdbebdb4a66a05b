-- no-transaction
-- Living conversions of some days are listed by the time of sale: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY conversions_time_idx ON conversions (org_id, created_at, conversion_id) WHERE deleted_at IS NULL;

-- no-transaction
-- Conversions of some days are listed by the time of sale: see docs/decisions/0013. It is of the deleted ones, too: a partial index
-- on the living would be taken for looking up orders by a planner that has no statistics yet.
CREATE INDEX CONCURRENTLY conversions_time_idx ON conversions (org_id, created_at, conversion_id) INCLUDE (deleted_at);

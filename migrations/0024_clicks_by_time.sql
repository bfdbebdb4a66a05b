-- no-transaction
-- Clicks of a program and of some days are listed and counted: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY clicks_time_idx ON clicks (org_id, program_id, created_at, click_id);

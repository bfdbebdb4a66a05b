-- no-transaction
-- Conversions are listed by their program, and all of them by merging the programs: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY conversions_program_idx ON conversions (org_id, program_id, conversion_id) INCLUDE (deleted_at);

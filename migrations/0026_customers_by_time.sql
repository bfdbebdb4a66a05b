-- no-transaction
-- Customers of a program and of some days are listed and counted: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY customers_time_idx ON customers (org_id, program_id, created_at, customer_id);

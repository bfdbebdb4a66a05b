-- no-transaction
-- Customers are listed by their affiliate: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY customers_affiliate_idx ON customers (org_id, affiliate_id, customer_id);

-- no-transaction
-- Commissions are listed by what has become of them, and all of them by merging that: see docs/decisions/0013. The number is in
-- the lists' statements word for word; what it is made of and the sale are included so that an index alone is read.
CREATE INDEX CONCURRENTLY commissions_state_idx ON commissions (
    org_id,
    (CASE WHEN approved IS NULL THEN 0 WHEN approved THEN 2 ELSE 4 END + CASE WHEN payment_id IS NULL THEN 0 ELSE 1 END),
    commission_id
) INCLUDE (approved, payment_id, conversion_id);

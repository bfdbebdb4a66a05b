-- no-transaction
-- Commissions of a deleted sale are in no list: see docs/decisions/0013. Costs a sale nothing until it is deleted.
CREATE INDEX CONCURRENTLY conversions_deleted_idx ON conversions (org_id, conversion_id)
    WHERE deleted_at IS NOT NULL AND superseded_by IS NULL;

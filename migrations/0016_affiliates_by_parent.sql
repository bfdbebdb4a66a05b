-- no-transaction
-- Affiliates are listed by their parent.
CREATE INDEX CONCURRENTLY affiliates_parent_idx ON affiliates (org_id, parent_id) WHERE parent_id IS NOT NULL;

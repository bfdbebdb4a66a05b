-- no-transaction
-- Affiliates are found by their address. Not unique: catalogs may have declared an address twice. Whoever changes a catalog holds
-- its lock and looks here first.
CREATE INDEX CONCURRENTLY affiliates_email_idx ON affiliates (org_id, lower(email)) WHERE deleted_at IS NULL;

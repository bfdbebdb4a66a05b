-- no-transaction
-- Clicks by the client's own id, which is unique within an organisation. Calls that name no organisation look for it alone: so it leads.
CREATE UNIQUE INDEX CONCURRENTLY clicks_name_org_key ON clicks (name, org_id) WHERE name IS NOT NULL;

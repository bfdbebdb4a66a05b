-- no-transaction
-- Sessions are unique within an organisation. Calls that name no organisation look for the session alone: so it leads.
CREATE UNIQUE INDEX CONCURRENTLY sessions_org_key ON sessions (session, org_id);

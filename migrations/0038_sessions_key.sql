-- A session belongs to each organisation that uses it. The constraint keeps its name, which code of the version before names
-- in its upsert: its sessions stay right; only a session that two organisations use is refused by it as another's.
SET LOCAL lock_timeout = '2s';
ALTER TABLE sessions
    DROP CONSTRAINT sessions_pkey,
    ADD CONSTRAINT sessions_pkey PRIMARY KEY USING INDEX sessions_org_key;
COMMENT ON TABLE sessions IS 'AFFY''s sessions. Each organisation has its own of a name; its latest click counts.';
COMMENT ON COLUMN clicks.name IS 'The client''s own id (AFFY), unique within an organisation.';

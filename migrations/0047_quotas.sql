-- How many events of an organisation are taken: quotas that ingest holds (docs/decisions/0026-quotas.md). Null: as many as there come.
SET LOCAL lock_timeout = '2s';
ALTER TABLE orgs
    ADD COLUMN events_per_minute integer,
    ADD COLUMN events_under_way integer,
    -- The columns are new: there is nothing to validate.
    ADD CONSTRAINT orgs_events_per_minute_check CHECK (events_per_minute > 0) NOT VALID,
    ADD CONSTRAINT orgs_events_under_way_check CHECK (events_under_way > 0) NOT VALID;
COMMENT ON COLUMN orgs.events_per_minute IS 'Events that each ingest takes in a minute.';
COMMENT ON COLUMN orgs.events_under_way IS 'Events that each ingest has taken and that are not decided yet.';

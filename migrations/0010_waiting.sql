-- Events that need an order, a customer, a click or a session which is not there: whether anything that was accepted before one of
-- them is still under way, and for what the parked ones wait.

-- A barrier is a number. It is passed when everything that any consumer had been delivered when it was set has been applied, so
-- that what was accepted before an event with a lower number is through. What a crash forgets is only asked again.
CREATE SEQUENCE barriers;
SELECT nextval('barriers');
COMMENT ON SEQUENCE barriers IS 'Numbers of barriers. events.waits_since is the last one that was set before the event had its row.';

CREATE UNLOGGED TABLE barrier (
    is_only   boolean  NOT NULL DEFAULT true,
    number    bigint   NOT NULL,
    consumers integer  NOT NULL,
    known     bigint[] NOT NULL,
    spool_id  bigint   NOT NULL,
    set_at    timestamptz NOT NULL,
    passed    bigint   NOT NULL,
    CONSTRAINT barrier_pkey PRIMARY KEY (is_only),
    CONSTRAINT barrier_only_check CHECK (is_only)
);
COMMENT ON TABLE barrier IS 'The latest barrier, and the latest that was passed.';
COMMENT ON COLUMN barrier.consumers IS 'Consumers of the broker''s queue when it was set; each of them must pass it.';
COMMENT ON COLUMN barrier.known IS 'Consumers that had told their names before they were counted.';
COMMENT ON COLUMN barrier.spool_id IS 'The last envelope of the spool when it was set: all up to it must be gone.';

CREATE UNLOGGED TABLE consumer_barriers (
    consumer_id bigint NOT NULL,
    number      bigint NOT NULL,
    CONSTRAINT consumer_barriers_pkey PRIMARY KEY (consumer_id)
);
COMMENT ON TABLE consumer_barriers IS 'The last barrier that each consumer of the broker''s queue has passed.';

ALTER TABLE events ADD COLUMN waits_since bigint;
COMMENT ON COLUMN events.waits_since IS 'queued because what it needs is not there: the last barrier before it.';

-- Queued events by what they may bring. Days that have events keep the index they have: building one would lock them. They are
-- dropped in their time, and few of their events are queued.
CREATE INDEX events_queued_idx ON ONLY events (kind, org_id, order_key) WHERE status = 'queued';
DO $$
DECLARE
    day      record;
    is_empty boolean;
BEGIN
    FOR day IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', day.relname) INTO is_empty;
        CONTINUE WHEN NOT is_empty;
        EXECUTE format('CREATE INDEX %I ON %I (kind, org_id, order_key) WHERE status = %L',
            day.relname || '_queued_idx', day.relname, 'queued');
        EXECUTE format('ALTER INDEX events_queued_idx ATTACH PARTITION %I', day.relname || '_queued_idx');
    END LOOP;
END$$;

ALTER TABLE spool ADD COLUMN is_for_newer boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN spool.is_for_newer IS 'A worker that cannot read it has put it (back) here: it is older than its id says.';
CREATE INDEX spool_newer_idx ON spool (spool_id) WHERE is_for_newer;

CREATE TABLE parked_keys (
    key      bigint NOT NULL,
    event_id uuid   NOT NULL,
    org_id   bigint NOT NULL,
    kind     text   NOT NULL,
    name     text   NOT NULL,
    CONSTRAINT parked_keys_pkey PRIMARY KEY (key, event_id, kind, name),
    CONSTRAINT parked_keys_kind_check CHECK (kind IN ('order', 'customer'))
);
COMMENT ON TABLE parked_keys IS 'What parked events wait for. Rows of events that are parked no more are swept.';
COMMENT ON COLUMN parked_keys.key IS 'The lock of that order or customer, which whoever brings it holds.';

-- As before, but whoever looks for an event while it moves out of the default partition waits and finds it: attaching a
-- partition alone lets readers pass who know the default partition only, and find it empty.
CREATE OR REPLACE FUNCTION ensure_event_partitions(first_day date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made       integer := 0;
    day        date;
    name       text;
    least      uuid;
    too_great  uuid;
    moves      boolean;
BEGIN
    -- Several workers may come at once.
    PERFORM pg_advisory_xact_lock(hashtext('commissary.event_partitions'));
    FOR offset_days IN 0 .. days - 1 LOOP
        day := first_day + offset_days;
        name := format('events_%s', to_char(day, 'YYYYMMDD'));
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        least := event_id_floor(day::timestamp AT TIME ZONE 'UTC');
        too_great := event_id_floor((day + 1)::timestamp AT TIME ZONE 'UTC');
        moves := EXISTS (SELECT FROM events_default WHERE event_id >= least AND event_id < too_great);
        IF moves THEN
            LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE;
        END IF;
        -- Nobody may add an event of this day while it moves.
        LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
        -- One that came between the two: the next call moves it.
        EXIT WHEN NOT moves AND EXISTS (SELECT FROM events_default WHERE event_id >= least AND event_id < too_great);
        EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM events_default WHERE event_id >= %L AND event_id < %L RETURNING *)
             INSERT INTO %I SELECT * FROM moved', least, too_great, name);
        EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, least, too_great);
        made := made + 1;
    END LOOP;
    RETURN made;
END$$;

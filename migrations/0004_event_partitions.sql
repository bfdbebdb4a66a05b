-- Days of events: made ahead of time, dropped when they are old. Called by `commissary migrate` and by the workers.

CREATE FUNCTION event_id_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;
COMMENT ON FUNCTION event_id_floor IS 'The least UUIDv7 of a moment.';

-- Makes the partitions of `days` days. Events of such a day that came before its partition are in the default one; they
-- move.
CREATE FUNCTION ensure_event_partitions(first_day date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made       integer := 0;
    day        date;
    name       text;
    least      uuid;
    too_great  uuid;
BEGIN
    -- Several workers may come at once.
    PERFORM pg_advisory_xact_lock(hashtext('commissary.event_partitions'));
    FOR offset_days IN 0 .. days - 1 LOOP
        day := first_day + offset_days;
        name := format('events_%s', to_char(day, 'YYYYMMDD'));
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        least := event_id_floor(day::timestamp AT TIME ZONE 'UTC');
        too_great := event_id_floor((day + 1)::timestamp AT TIME ZONE 'UTC');
        -- Nobody may add an event of this day while it moves.
        LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM events_default WHERE event_id >= %L AND event_id < %L RETURNING *)
             INSERT INTO %I SELECT * FROM moved', least, too_great, name);
        EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, least, too_great);
        made := made + 1;
    END LOOP;
    RETURN made;
END$$;

-- Applied events of the days before `last_applied` go with their partition; the others move to the default partition
-- and stay until `last_failed`.
CREATE FUNCTION drop_event_partitions(last_applied date, last_failed date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    dropped integer := 0;
    day     record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('commissary.event_partitions'));
    FOR day IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_\d{8}$'
          AND c.relname < 'events_' || to_char(last_applied, 'YYYYMMDD')
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE events DETACH PARTITION %I', day.relname);
        EXECUTE format('INSERT INTO events SELECT * FROM %I WHERE status <> ''applied'' AND reason IS DISTINCT FROM ''duplicate_order''', day.relname);
        EXECUTE format('DROP TABLE %I', day.relname);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM events_default WHERE event_id < event_id_floor(last_failed::timestamp AT TIME ZONE 'UTC');
    DELETE FROM event_failures WHERE event_id < event_id_floor(last_failed::timestamp AT TIME ZONE 'UTC');
    RETURN dropped;
END$$;

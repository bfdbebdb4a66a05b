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

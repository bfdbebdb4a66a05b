-- What was refused or is dead, without what only repeats an earlier event: operators look for it, doctor and metrics count it. Of every
-- hundred events a few are in it. Days that have events keep the indexes they have, as with events_turns_idx.

SET LOCAL lock_timeout = '2s';
CREATE INDEX events_troubles_idx ON ONLY events (status, event_id)
    WHERE status IN ('refused', 'dead') AND reason NOT IN ('duplicate_order', 'idempotent_repeat');
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
        EXECUTE format(
            'CREATE INDEX %I ON %I (status, event_id)
             WHERE status IN (''refused'', ''dead'') AND reason NOT IN (''duplicate_order'', ''idempotent_repeat'')',
            day.relname || '_troubles_idx', day.relname);
        EXECUTE format('ALTER INDEX events_troubles_idx ATTACH PARTITION %I', day.relname || '_troubles_idx');
    END LOOP;
END$$;

-- Organisations take turns with queued events, too (imports, replays). Days that have events keep the indexes they have, as with
-- events_queued_idx: of their queued events it is only asked which organisations have any.

SET LOCAL lock_timeout = '2s';
CREATE INDEX events_turns_idx ON ONLY events (org_id, due_at) WHERE status = 'queued';
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
        EXECUTE format('CREATE INDEX %I ON %I (org_id, due_at) WHERE status = %L',
            day.relname || '_turns_idx', day.relname, 'queued');
        EXECUTE format('ALTER INDEX events_turns_idx ATTACH PARTITION %I', day.relname || '_turns_idx');
    END LOOP;
END$$;

-- Ingest, worker and api can have roles of their own that own nothing (docs/decisions/0025-least-privilege.md). What takes the owner's
-- rights, making and dropping days of events, and what nobody may do by hand, writing the audit trail, is done by functions as their
-- owner. Whoever has run everything as the owner notices nothing.
DO $$
DECLARE
    of_owner text;
BEGIN
    FOREACH of_owner IN ARRAY ARRAY[
        'ensure_event_partitions(date, integer)', 'drop_event_partitions(date, date)',
        'audit_append(audit_entries)', 'audit_append_all(audit_entries[])']
    LOOP
        -- Nothing of the same name comes between: the catalog is looked at first, what is temporary last.
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', of_owner, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', of_owner);
    END LOOP;
END$$;

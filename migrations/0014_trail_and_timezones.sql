-- Many entries of the audit trail at once, and the time zone in which the owner of a key counts days (use_profile_timezone of REST 1.6).

ALTER TABLE api_keys ADD COLUMN timezone text NOT NULL DEFAULT 'UTC';
COMMENT ON COLUMN api_keys.timezone IS 'An IANA name, such as Europe/Amsterdam.';

-- Appends entries of one organisation in their order: as audit_append, with one change of the head for all of them, so that a
-- catalog of many thousand things costs time in proportion. Returns the number of the last.
CREATE FUNCTION audit_append_all(entries audit_entries[]) RETURNS bigint LANGUAGE plpgsql AS
$$DECLARE head audit_heads;
          e audit_entries;
BEGIN
    IF coalesce(cardinality(entries), 0) = 0 THEN
        RETURN NULL;
    END IF;
    e := entries[1];
    INSERT INTO audit_heads (org_id, entry, hash) VALUES (e.org_id, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM audit_heads h WHERE h.org_id = e.org_id FOR UPDATE;
    FOREACH e IN ARRAY entries LOOP
        IF e.org_id <> head.org_id THEN
            RAISE EXCEPTION 'entries of several organisations are several trails';
        END IF;
        e.entry := head.entry + 1;
        e.hash := audit_hash(head.hash, e);
        INSERT INTO audit_entries SELECT e.*;
        head.entry := e.entry;
        head.hash := e.hash;
    END LOOP;
    UPDATE audit_heads h SET entry = head.entry, hash = head.hash WHERE h.org_id = head.org_id;
    RETURN head.entry;
END$$;

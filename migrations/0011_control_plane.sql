-- Changes that are made through the control plane: what was answered to whom, and who changed what.

CREATE TABLE idempotent_answers (
    org_id       bigint   NOT NULL,
    key          text     NOT NULL,
    request_hash text     NOT NULL,
    status       smallint NOT NULL,
    body         text,
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotent_answers_pkey PRIMARY KEY (org_id, key)
);
COMMENT ON TABLE idempotent_answers IS
    'Answers to changes of the catalog under an Idempotency-Key. Those of events are the outcomes of the events (idempotency_keys).';
COMMENT ON COLUMN idempotent_answers.body IS 'JSON with its fields in their order, without secrets; null: no body.';

CREATE TABLE audit_heads (
    org_id bigint NOT NULL,
    entry  bigint NOT NULL,
    hash   bytea  NOT NULL,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (org_id)
);
COMMENT ON TABLE audit_heads IS 'The last entry of each organisation''s audit trail: what is cut off at its end is missed by this.';

CREATE TABLE audit_entries (
    org_id     bigint NOT NULL,
    entry      bigint NOT NULL,
    at         timestamptz NOT NULL,
    actor_kind text   NOT NULL,
    actor      text   NOT NULL,
    key_id     bigint,
    request_id text,
    event_id   uuid,
    action     text   NOT NULL,
    subject    text   NOT NULL,
    before     jsonb,
    after      jsonb,
    hash       bytea  NOT NULL,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (org_id, entry),
    CONSTRAINT audit_entries_actor_check CHECK (actor_kind IN ('key', 'cli', 'catalog', 'console')),
    CONSTRAINT audit_entries_entry_check CHECK (entry > 0),
    CONSTRAINT audit_entries_hash_check CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit_entries IS 'Who changed what, numbered from 1 in each organisation; each hash covers the entry and the hash before it.';
COMMENT ON COLUMN audit_entries.key_id IS 'The API key that was used.';
COMMENT ON COLUMN audit_entries.event_id IS 'The event by which money was changed.';
COMMENT ON COLUMN audit_entries.subject IS 'What was changed, such as affiliate/janejameson.';

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END$$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- The hash of an entry that follows one with the hash `previous`. Whoever verifies the trail calls the same.
CREATE FUNCTION audit_hash(previous bytea, e audit_entries) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$SELECT sha256(previous || convert_to(jsonb_build_array(
    e.org_id, e.entry, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_kind, e.actor, e.key_id,
    e.request_id, e.event_id, e.action, e.subject, e.before, e.after)::text, 'UTF8'))$$;

-- Appends one entry; whoever appends to the same trail waits until this transaction has ended. `e` has everything but the
-- number and the hash.
CREATE FUNCTION audit_append(e audit_entries) RETURNS bigint LANGUAGE plpgsql AS
$$DECLARE head audit_heads;
BEGIN
    INSERT INTO audit_heads (org_id, entry, hash) VALUES (e.org_id, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM audit_heads h WHERE h.org_id = e.org_id FOR UPDATE;
    e.entry := head.entry + 1;
    e.hash := audit_hash(head.hash, e);
    INSERT INTO audit_entries SELECT e.*;
    UPDATE audit_heads h SET entry = e.entry, hash = e.hash WHERE h.org_id = e.org_id;
    RETURN e.entry;
END$$;

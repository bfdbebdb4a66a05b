-- Events: inbox, receipt, parking place and dead-letter store in one. One row per event, written once with its outcome.
-- Partitioned by day of the UUIDv7 event id, so that old days are dropped instead of deleted.

CREATE TABLE events (
    event_id          uuid        NOT NULL,
    org_id            bigint,
    kind              text        NOT NULL,
    dialect           text        NOT NULL,
    status            text        NOT NULL,
    reason            text,
    order_key         text,
    received_at       timestamptz NOT NULL,
    applied_at        timestamptz,
    due_at            timestamptz,
    attempt           integer     NOT NULL DEFAULT 1,
    revision          integer     NOT NULL DEFAULT 0,
    trusted           boolean     NOT NULL,
    program_scope     bigint,
    idempotency_key   text,
    idempotency_hash  bytea,
    body              json        NOT NULL,
    outcome           json,
    CONSTRAINT events_pkey PRIMARY KEY (event_id),
    CONSTRAINT events_status_check CHECK (status IN ('queued', 'applied', 'refused', 'parked', 'dead', 'discarded')),
    CONSTRAINT events_reason_check CHECK ((status IN ('refused', 'dead')) <= (reason IS NOT NULL))
) PARTITION BY RANGE (event_id);
COMMENT ON COLUMN events.org_id IS 'null: the bytes could not be decoded, so nobody knows whose they are.';
COMMENT ON COLUMN events.order_key IS 'external id of the conversion that the event is about, for parking and for operators.';
COMMENT ON COLUMN events.due_at IS 'queued: not before; parked: dead after.';
COMMENT ON COLUMN events.revision IS 'Edits of the body by an operator; 0 is what the client sent.';

-- Applied rows, nearly all, are in none of these.
CREATE INDEX events_waiting_idx ON events (status, due_at) WHERE status IN ('queued', 'parked');
CREATE INDEX events_order_idx ON events (org_id, order_key) WHERE status = 'parked';
CREATE INDEX events_failed_idx ON events (org_id, event_id) WHERE status IN ('refused', 'dead');

CREATE TABLE events_default PARTITION OF events DEFAULT;
COMMENT ON TABLE events_default IS 'Takes what no day takes; stays empty while a worker runs.';

CREATE TABLE event_failures (
    event_id    uuid  NOT NULL,
    org_id      bigint,
    code        text  NOT NULL,
    detail      text  NOT NULL,
    fingerprint text  NOT NULL,
    original    bytea,
    failures    integer NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    CONSTRAINT event_failures_pkey PRIMARY KEY (event_id)
);
COMMENT ON COLUMN event_failures.original IS 'The bytes as they came, where they could not be decoded.';

CREATE TABLE event_actions (
    action_id bigint GENERATED ALWAYS AS IDENTITY,
    event_id  uuid   NOT NULL,
    org_id    bigint,
    action    text   NOT NULL,
    actor     text   NOT NULL,
    reason    text,
    at        timestamptz NOT NULL,
    CONSTRAINT event_actions_pkey PRIMARY KEY (action_id),
    CONSTRAINT event_actions_action_check CHECK (action IN ('replay', 'discard', 'edit'))
);
COMMENT ON TABLE event_actions IS 'What operators did, append-only.';
CREATE INDEX event_actions_event_idx ON event_actions (event_id);

CREATE TABLE idempotency_keys (
    org_id       bigint NOT NULL,
    key          text   NOT NULL,
    event_id     uuid   NOT NULL,
    request_hash bytea  NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (org_id, key)
);

CREATE TABLE spool (
    spool_id   bigint GENERATED ALWAYS AS IDENTITY,
    envelope   bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT spool_pkey PRIMARY KEY (spool_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE spool IS 'One row per envelope, deleted in the transaction that applies it.';
ALTER TABLE spool ALTER COLUMN envelope SET STORAGE EXTERNAL;

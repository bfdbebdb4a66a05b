-- Each process says every few seconds that it lives and how it is: without that nobody could tell that no worker does anything.
-- Unlogged: what a crash of the database forgets is said again at once.
CREATE UNLOGGED TABLE heartbeats (
    process_id        bigint      NOT NULL,
    role              text        NOT NULL,
    host              text        NOT NULL,
    pid               integer     NOT NULL,
    version           text        NOT NULL,
    started_at        timestamptz NOT NULL,
    seen_at           timestamptz NOT NULL,
    clock_at          timestamptz NOT NULL,
    doing             text        NOT NULL,
    trouble           text,
    oldest_at         timestamptz,
    delivered_at      timestamptz,
    queue_messages    integer,
    queue_consumers   integer,
    queue_waits_since timestamptz,
    CONSTRAINT heartbeats_pkey PRIMARY KEY (process_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE heartbeats IS 'A row for each life of a process; it goes with its orderly end, and a day after any other.';
COMMENT ON COLUMN heartbeats.role IS 'ingest, worker, api, or dev, which is all of them.';
COMMENT ON COLUMN heartbeats.seen_at IS 'By the clock of the database.';
COMMENT ON COLUMN heartbeats.clock_at IS 'By the clock of the process.';
COMMENT ON COLUMN heartbeats.doing IS 'For people.';
COMMENT ON COLUMN heartbeats.trouble IS 'Why it cannot do its work; null: it can.';
COMMENT ON COLUMN heartbeats.oldest_at IS 'When the oldest event was received that a worker has at hand.';
COMMENT ON COLUMN heartbeats.delivered_at IS 'When the latest event was received that the broker delivered to it: what is still in the queue came later.';
COMMENT ON COLUMN heartbeats.queue_messages IS 'What it saw last in the broker''s queues of events and bulk together; null: it saw nothing.';
COMMENT ON COLUMN heartbeats.queue_waits_since IS 'Since when it has seen messages there.';

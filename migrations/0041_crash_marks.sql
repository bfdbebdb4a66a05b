-- Events that were under way when a process ended without a word: a crash is to cost the one event that causes it.
SET LOCAL lock_timeout = '2s';

-- Written before a batch, and left behind by a crash. What it lists is only suspected, so nothing is lost with it when the database
-- itself crashes: whoever finds the row of taker 0 missing then suspects all that waits.
CREATE UNLOGGED TABLE batches_under_way (
    taker     bigint   NOT NULL,
    spool_ids bigint[] NOT NULL DEFAULT '{}',
    event_ids uuid[]   NOT NULL DEFAULT '{}',
    taken_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT batches_under_way_pkey PRIMARY KEY (taker)
) WITH (fillfactor = 50);
COMMENT ON TABLE batches_under_way IS 'The last batch of each lane of each worker. Of one whose envelopes are gone it says nothing any more.';
COMMENT ON COLUMN batches_under_way.taker IS 'A random number of each life of a lane; 0 is nobody: see above.';

CREATE TABLE crash_marks (
    event_id  uuid    NOT NULL,
    finds     integer NOT NULL,
    taker     bigint,
    place     text    NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT crash_marks_pkey PRIMARY KEY (event_id),
    CONSTRAINT crash_marks_finds_check CHECK (finds >= 0)
);
COMMENT ON TABLE crash_marks IS 'Suspect events that are being applied, or were when a process ended.';
COMMENT ON COLUMN crash_marks.finds IS 'How often it was begun again after a process had ended in the middle of it.';
COMMENT ON COLUMN crash_marks.taker IS 'Who applies it; null: nobody does, what began has ended well or was given up.';
COMMENT ON COLUMN crash_marks.place IS 'Where it was begun last, for people.';

ALTER TABLE spool
    ADD COLUMN is_suspect boolean NOT NULL DEFAULT false,
    ADD COLUMN version    integer;
COMMENT ON COLUMN spool.is_suspect IS 'The broker delivered it to a process that ended, or lost it, before it was applied.';
COMMENT ON COLUMN spool.version IS 'Only workers that know this version of envelopes take it; null: any does, or finds out.';
COMMENT ON COLUMN spool.is_for_newer IS 'A worker has put it (back) here: it was accepted before its id says.';

-- Imports of files: how far each has come, so that an interrupted one goes on where it was.

CREATE TABLE imports (
    org_id       bigint      NOT NULL,
    fingerprint  text        NOT NULL,
    file         text        NOT NULL,
    records_done bigint      NOT NULL DEFAULT 0,
    invalid      bigint      NOT NULL DEFAULT 0,
    unapplied    bigint      NOT NULL DEFAULT 0,
    due_until    timestamptz NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CONSTRAINT imports_pkey PRIMARY KEY (org_id, fingerprint),
    CONSTRAINT imports_done_check CHECK (invalid BETWEEN 0 AND records_done)
);
COMMENT ON COLUMN imports.fingerprint IS 'hex SHA-256 of the file''s content, of its format and of the program that it goes to.';
COMMENT ON COLUMN imports.unapplied IS 'events that were reported as decided, but not applied.';
COMMENT ON COLUMN imports.due_until IS 'when the last queued event is due: the next ones follow it.';
COMMENT ON COLUMN imports.finished_at IS 'all records are queued.';

CREATE TABLE import_lines (
    org_id      bigint NOT NULL,
    fingerprint text   NOT NULL,
    line        bigint NOT NULL,
    event_id    uuid   NOT NULL,
    CONSTRAINT import_lines_pkey PRIMARY KEY (org_id, fingerprint, line)
);
COMMENT ON TABLE import_lines IS 'From which line an event came, until that event is decided and reported.';

-- What was left out or cut of a request that was taken all the same, told to its caller and kept with its event.

SET LOCAL lock_timeout = '2s';
ALTER TABLE events ADD COLUMN warnings json;
COMMENT ON COLUMN events.warnings IS 'A list of sentences; null: nothing was left out or cut.';

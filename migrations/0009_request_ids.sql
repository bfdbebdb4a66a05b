-- The id of the HTTP request that an event came with: what a caller names when it asks about one.
ALTER TABLE events ADD COLUMN request_id text;
COMMENT ON COLUMN events.request_id IS 'X-Request-Id of the call, 1 to 128 visible ASCII characters; null: no HTTP request, or older than this column.';

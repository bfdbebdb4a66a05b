-- Test events of the last day are counted for callers without a key: that must not read the day's other events.
CREATE INDEX events_test_idx ON events (event_id) WHERE kind = 'test';

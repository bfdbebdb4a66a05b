-- Test events of the last day are counted by kind and by the program that they name, also for callers without a key: that must
-- read neither the day's other events nor the tests of other programs.
CREATE INDEX events_test_idx ON events (org_id, (body -> 'test' ->> 'program'), (body -> 'test' ->> 'what'), event_id)
    WHERE kind = 'test';

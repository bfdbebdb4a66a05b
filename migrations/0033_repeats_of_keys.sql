-- How a key's repeated sales are answered: with the documented error, or as they were first.

ALTER TABLE api_keys
    ADD COLUMN repeats text NOT NULL DEFAULT 'documented',
    ADD CONSTRAINT api_keys_repeats_check CHECK (repeats IN ('documented', 'first')) NOT VALID;

COMMENT ON COLUMN api_keys.repeats IS 'documented: a repeated sale has its dialect''s error; first: the very same one is answered as it was first.';

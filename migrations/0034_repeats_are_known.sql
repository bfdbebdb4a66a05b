-- Every key has one of the two ways of answering since 0033.

ALTER TABLE api_keys VALIDATE CONSTRAINT api_keys_repeats_check;

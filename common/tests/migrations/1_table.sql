-- A table, and how long a statement of a migration may take.
CREATE TABLE things (name text);
INSERT INTO things SELECT current_setting('statement_timeout');

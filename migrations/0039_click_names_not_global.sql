-- no-transaction
-- Two organisations may have clicks of one name: see clicks_name_org_key.
DROP INDEX CONCURRENTLY clicks_name_key;

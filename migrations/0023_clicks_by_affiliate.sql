-- no-transaction
-- Clicks are listed by their affiliate: see docs/decisions/0013.
CREATE INDEX CONCURRENTLY clicks_affiliate_idx ON clicks (org_id, affiliate_id, click_id);

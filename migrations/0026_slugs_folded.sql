-- no-transaction
-- The same of affiliates' ids, which serve as referral codes.
CREATE INDEX CONCURRENTLY affiliates_folded_slug_idx ON affiliates (lower(slug), org_id);

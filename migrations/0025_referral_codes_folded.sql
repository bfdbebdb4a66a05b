-- no-transaction
-- A referral code that nobody has as it was sent is looked for without case.
CREATE INDEX CONCURRENTLY affiliations_folded_code_idx ON affiliations (lower(referral_code), org_id);

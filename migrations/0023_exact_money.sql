-- What a commission is calculated from, exactly: the ledger check proves amounts from the same numbers. Code of the version before
-- leaves these alone; where they are null or no longer fit, the rounded gross counts, as it did for that version.
SET LOCAL lock_timeout = '2s';
ALTER TABLE commissions
    ADD COLUMN exact_gross numeric,
    ADD COLUMN followed_amount numeric(20, 6),
    ADD COLUMN settled_on numeric(20, 6);
COMMENT ON COLUMN commissions.exact_gross IS
    'A fixed, explicit or edited amount as it was said, before rounding; null: rate percent of the sub amount.';
COMMENT ON COLUMN commissions.followed_amount IS
    'The conversion''s amount of which sub_amount is the part: exactly part / base_amount of it; null: sub_amount is exact.';
COMMENT ON COLUMN commissions.settled_on IS
    'What was left of the sale when amount was calculated from the exact numbers; null: from the rounded gross.';

ALTER TABLE conversions ADD COLUMN approved_by_status boolean;
COMMENT ON COLUMN conversions.approved_by_status IS
    'What the event status_by said, for commissions that come later; null: only the commissions tell.';

-- Of two changes of a field the later counts, by the time that a change tells of itself, where a key vouches for it. The time of
-- a change that tells none is in its event's id.

SET LOCAL lock_timeout = '2s';
ALTER TABLE conversions ADD COLUMN told_times jsonb;
COMMENT ON COLUMN conversions.told_times IS
    'By field (amount, status, meta_data, chargeback) the event that told a time of its own, and that time; null: none. It counts while the field is by that event: earlier versions write the field alone.';
ALTER TABLE customers ADD COLUMN told_times jsonb;
COMMENT ON COLUMN customers.told_times IS
    'By field (canceled, meta_data) the event that changed it last, and its time; null: no version that notes it has changed one.';
ALTER TABLE commissions ADD COLUMN approved_by uuid;
COMMENT ON COLUMN commissions.approved_by IS
    'The last event that approved or disapproved this commission alone: an earlier status of the sale does not change it; null: none, or by a version that did not note it.';

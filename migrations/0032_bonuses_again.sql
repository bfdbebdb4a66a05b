-- Bonuses count months that end after they were declared, and are calculated again while they are not paid.

ALTER TABLE program_bonuses ADD COLUMN declared_at timestamptz;
ALTER TABLE program_bonuses ALTER COLUMN declared_at SET DEFAULT now();
COMMENT ON COLUMN program_bonuses.declared_at IS 'Months that ended before bring none; null: it was declared before this was noted.';

ALTER TABLE bonus_awards ADD COLUMN definition jsonb;
ALTER TABLE bonus_awards ADD COLUMN commission_ids bigint[];
COMMENT ON COLUMN bonus_awards.definition IS 'The bonus as it was when it was given; null: by a version that did not keep it, and it is not calculated again.';
COMMENT ON COLUMN bonus_awards.commission_ids IS 'Its commissions, one in each currency that was sold in.';

CREATE TABLE bonus_recounts (
    org_id        bigint NOT NULL,
    program_id    bigint NOT NULL,
    bonus_id      text   NOT NULL,
    affiliate_id  bigint NOT NULL,
    month         date   NOT NULL,
    CONSTRAINT bonus_recounts_pkey PRIMARY KEY (org_id, program_id, bonus_id, affiliate_id, month)
);
COMMENT ON TABLE bonus_recounts IS 'Bonuses that were given and whose month has changed since: a worker makes an event of each, in the transaction that deletes the row.';

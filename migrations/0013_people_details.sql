-- What the control plane keeps of people beside the catalog: groups made by a call, notes and payout methods of affiliates,
-- prospects. An organisation has a few groups: numbering them rewrites next to nothing.

CREATE SEQUENCE affiliate_group_numbers;
ALTER TABLE affiliate_groups
    ADD COLUMN number bigint NOT NULL DEFAULT nextval('affiliate_group_numbers'),
    ADD CONSTRAINT affiliate_groups_number_key UNIQUE (org_id, number);
COMMENT ON COLUMN affiliate_groups.number IS 'Ascending with time; the id of a group that was made by a call is made of it.';

CREATE TABLE affiliate_notes (
    org_id       bigint NOT NULL,
    note_id      bigint GENERATED ALWAYS AS IDENTITY,
    affiliate_id bigint NOT NULL,
    message      text   NOT NULL,
    owner        text   NOT NULL,
    owner_id     text   NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT affiliate_notes_pkey PRIMARY KEY (org_id, note_id),
    CONSTRAINT affiliate_notes_affiliate_fkey FOREIGN KEY (org_id, affiliate_id) REFERENCES affiliates
);
COMMENT ON COLUMN affiliate_notes.owner IS 'Who wrote it: the owner of the key, as he was called then.';
CREATE INDEX affiliate_notes_affiliate_idx ON affiliate_notes (org_id, affiliate_id, note_id);

CREATE TABLE payout_methods (
    org_id       bigint  NOT NULL,
    affiliate_id bigint  NOT NULL,
    method_id    text    NOT NULL,
    details      jsonb   NOT NULL,
    is_primary   boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT payout_methods_pkey PRIMARY KEY (org_id, affiliate_id, method_id),
    CONSTRAINT payout_methods_affiliate_fkey FOREIGN KEY (org_id, affiliate_id) REFERENCES affiliates
);
COMMENT ON COLUMN payout_methods.details IS 'What the method needs, such as {"paypal_address"}, as it was sent.';
CREATE UNIQUE INDEX payout_methods_primary_key ON payout_methods (org_id, affiliate_id) WHERE is_primary;

CREATE TABLE prospects (
    org_id           bigint NOT NULL,
    prospect_id      bigint GENERATED ALWAYS AS IDENTITY,
    slug             text   NOT NULL,
    program_id       bigint NOT NULL,
    group_id         text,
    firstname        text   NOT NULL,
    lastname         text   NOT NULL,
    email            text,
    profile          jsonb  NOT NULL DEFAULT '{}',
    referral_code    text   NOT NULL,
    asset_id         text,
    source_id        text,
    signup_source    text   NOT NULL,
    created_at       timestamptz NOT NULL,
    promoted_at      timestamptz,
    promotion_method text,
    CONSTRAINT prospects_pkey PRIMARY KEY (org_id, prospect_id),
    CONSTRAINT prospects_slug_key UNIQUE (org_id, slug),
    CONSTRAINT prospects_referral_code_key UNIQUE (org_id, referral_code),
    CONSTRAINT prospects_program_fkey FOREIGN KEY (org_id, program_id) REFERENCES programs,
    CONSTRAINT prospects_group_fkey FOREIGN KEY (org_id, group_id) REFERENCES affiliate_groups,
    CONSTRAINT prospects_promotion_check CHECK ((promoted_at IS NULL) = (promotion_method IS NULL))
);
COMMENT ON TABLE prospects IS 'Who may become an affiliate: brings nothing and earns nothing until then.';
COMMENT ON COLUMN prospects.profile IS 'company and address, as REST 1.6 prints them.';
CREATE UNIQUE INDEX prospects_email_key ON prospects (org_id, lower(email));
